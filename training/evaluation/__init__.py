"""Measures and calibration of a trained network."""
