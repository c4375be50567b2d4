"""Images to be served: PNG files in Gradio's cache, written atomically."""

import hashlib
import os

import gradio as gr
import numpy as np

from model.io.atomic import atomic_write
from model.preprocess.pixels import encode_png
from ui.server.gradio_compat import cache_folder


def save_png(pixels: np.ndarray, component: gr.Image | gr.ImageSlider) -> str:
    """Save an image where a component serves it from, and return the path.

    Gradio would overwrite the file of an equal image while another visitor may be reading it: the photos of the edges
    tab are the same for everyone.

    Args:
        pixels: uint8 (h, w), or (h, w, 3) RGB.
        component: shows the image.
    """
    encoded = encode_png(pixels)
    path = cache_folder(component) / hashlib.sha256(encoded).hexdigest() / "image.png"
    try:
        os.utime(path)  # in use again: Gradio deletes old files
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, encoded)
    return str(path)
