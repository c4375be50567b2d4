"""Images to be served."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from model.preprocess.pixels import encode_png
from ui.server.image_cache import save_png


def test_save_png_keeps_every_pixel(tmp_path):
    component = SimpleNamespace(GRADIO_CACHE=str(tmp_path))
    for shape in ((20, 30), (20, 30, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        assert (np.asarray(Image.open(save_png(encode_png(pixels), component))) == pixels).all()


def test_save_png_equal_image_is_not_written_again(tmp_path):
    component, pixels = SimpleNamespace(GRADIO_CACHE=str(tmp_path)), np.eye(9, dtype=np.uint8)
    first = Path(save_png(encode_png(pixels), component))
    before = first.stat()
    assert save_png(encode_png(pixels), component) == str(first)
    assert first.stat().st_ino == before.st_ino and first.stat().st_ctime_ns > before.st_ctime_ns
    assert len(list(tmp_path.rglob("*.*"))) == 1
