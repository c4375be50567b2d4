"""Kernels and convolution, as plain functions on arrays."""
