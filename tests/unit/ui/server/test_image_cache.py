"""Pictures on their way out."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from ui.server.image_cache import save_png


def test_a_picture_is_kept_to_the_pixel(tmp_path):
    image = SimpleNamespace(GRADIO_CACHE=str(tmp_path))
    for shape in ((20, 30), (20, 30, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        assert (np.asarray(Image.open(save_png(pixels, image))) == pixels).all()


def test_an_equal_picture_is_not_written_again_while_another_reads_it(tmp_path):
    image, pixels = SimpleNamespace(GRADIO_CACHE=str(tmp_path)), np.eye(9, dtype=np.uint8)
    first = Path(save_png(pixels, image))
    before = first.stat()
    assert save_png(pixels, image) == str(first)
    assert first.stat().st_ino == before.st_ino and first.stat().st_ctime_ns > before.st_ctime_ns
    assert len(list(tmp_path.rglob("*.*"))) == 1
