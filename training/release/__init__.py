"""Publish, export and deploy a run."""
