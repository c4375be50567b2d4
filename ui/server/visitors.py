"""Who sent a request."""

import gradio as gr

from ui.server import shares


def visitor_of(request: gr.Request | None) -> str:
    """Return a name for the sender of a request: see `shares.visitor_of`."""
    client = getattr(request, "client", None)
    return shares.visitor_of(client.host if client else None)
