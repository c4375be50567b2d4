"""Answers of a model for images without labels, written to a file."""
