"""Images to be served."""

from pathlib import Path

import numpy as np
from PIL import Image

from model.preprocess.pixels import encode_png
from ui.server.image_cache import save_png


def test_save_png_keeps_every_pixel(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    for shape in ((20, 30), (20, 30, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        path = Path(save_png(encode_png(pixels), "192.0.2.7"))
        assert path.is_relative_to(tmp_path) and (np.asarray(Image.open(path)) == pixels).all()
