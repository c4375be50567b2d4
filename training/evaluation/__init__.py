"""Measure and calibrate a trained network."""
