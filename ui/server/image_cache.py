"""Images to be served: PNG files in Gradio's cache, written atomically."""

import hashlib
import os

import gradio as gr

from model.io.atomic import atomic_write
from ui.server.gradio_compat import cache_folder


def save_png(encoded: bytes, component: gr.Image | gr.ImageSlider) -> str:
    """Save an image where a component serves it from, and return the path.

    Gradio would overwrite the file of an equal image while another visitor may be reading it: the photos of the edges
    tab are the same for everyone.

    Args:
        encoded: a PNG.
        component: shows the image.
    """
    path = cache_folder(component) / hashlib.sha256(encoded).hexdigest() / "image.png"
    try:
        os.utime(path)  # in use again: Gradio deletes old files
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, encoded)
    return str(path)
