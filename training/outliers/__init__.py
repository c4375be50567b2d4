"""Drawings that are not digits: what a detector learns to reject."""
