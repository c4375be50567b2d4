"""Texts of the page in Spanish and English."""
