"""Learning from a network that others trained."""
