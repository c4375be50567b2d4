"""Reports of a run, read for display."""
