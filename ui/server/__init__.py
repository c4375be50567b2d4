"""Uploads, limits and files of the web server."""
