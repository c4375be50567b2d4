"""Decode images and turn free drawings into network inputs."""
