"""Rows of a dataset: which, in what order, as bytes and as pixels."""
