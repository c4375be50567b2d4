"""Pictures on their way out: PNG files in Gradio's cache, each written whole."""

import hashlib
import os
from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from model.io.atomic import atomic_write


def save_png(pixels: np.ndarray, image: gr.Image) -> str:
    """Save a picture where a `gr.Image` serves it from, and return the path.

    Gradio would overwrite the file of an equal picture in place, while another person may be reading it: the photos of
    the edges tab are the same for everybody.

    Args:
        pixels: uint8 (h, w), or (h, w, 3) RGB.
        image: the component that shows the picture.
    """
    encoded = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()
    path = Path(image.GRADIO_CACHE) / hashlib.sha256(encoded).hexdigest() / "picture.png"
    try:
        os.utime(path)  # in use again: not to be cleared away for its age
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, encoded)
    return str(path)
