"""The choices of a network, measured one at a time: design, search over it, and study.json."""
