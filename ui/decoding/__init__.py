"""Images of visitors, decoded in separate processes that can be ended."""
