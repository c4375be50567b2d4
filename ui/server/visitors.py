"""Who sent a request."""

import gradio as gr


def visitor_of(request: gr.Request | None) -> str:
    """Return a name for the sender of a request: the address that it came from."""
    client = getattr(request, "client", None)
    return client.host if client else ""
