"""The network's process and what the page asks of it."""
