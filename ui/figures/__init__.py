"""Plotly figures and HTML blocks, as plain functions on data."""
