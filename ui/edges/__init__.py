"""Kernels and their cross-correlation with an image: plain functions on arrays, without Gradio."""
