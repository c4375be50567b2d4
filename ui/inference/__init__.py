"""The network in its separate process, and what the page asks it."""
