"""The scan: one pass over a split before anything is decided, and what follows from it."""
