"""The course's script and the page give the same result."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ui.edges.chapter import chapter_script, compare_with_chapter, run_chapter
from ui.edges.convolution import to_gray
from ui.edges.kernels import KERNELS
from ui.edges.render import edge_map

PHOTOS = sorted((Path(__file__).parents[4] / "ui" / "photos").glob("*.jpg"))
CHAPTER = {
    "vertical": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "horizontal": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "all": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
}


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda path: path.stem)
@pytest.mark.parametrize("kernel", CHAPTER)
def test_edge_map_flipped_is_the_courses_result_in_every_pixel(photo, kernel):
    from scipy.signal import convolve2d

    with Image.open(photo) as image:
        pixels, gray = np.asarray(image), np.array(image.convert("L"), dtype=float)
    result = np.where(convolve2d(gray, np.array(CHAPTER[kernel]), mode="same") > 50, 255, 0)
    np.testing.assert_array_equal(edge_map(pixels, kernel, 50, flip=True), result)
    if kernel != "all":  # turned, these two change their sign: the white pixels are others
        assert not ((edge_map(pixels, kernel, 50) == 255) & (result == 255)).any()


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_to_gray_is_pillows_conversion(mode):
    random = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    image = Image.fromarray(random).convert(mode)
    np.testing.assert_array_equal(to_gray(np.asarray(image)), np.asarray(image.convert("L")))


def test_chapter_script_runs_and_gives_the_compared_result(tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setattr(plt, "show", lambda: None)
    gray = np.random.default_rng(1).integers(0, 256, (20, 30), np.uint8)
    Image.fromarray(gray).save(tmp_path / "photo.png")
    script = chapter_script(KERNELS["blur"] * 3, 60, str(tmp_path / "photo.png"))
    found: dict = {}
    with redirect_stdout(io.StringIO()):
        exec(script, found)  # it is ours
    plt.close("all")
    np.testing.assert_array_equal(found["edges"], run_chapter(gray, KERNELS["blur"] * 3, 60))


def test_compare_with_chapter_counts_what_flipping_changes():
    image = np.asarray(Image.open(PHOTOS[0]))
    flipped = compare_with_chapter(image, KERNELS["vertical"], 50, flip=True)
    assert flipped.equal == flipped.total == image.shape[0] * image.shape[1]
    assert flipped.white == flipped.white_in_both > 0
    as_it_is = compare_with_chapter(image, KERNELS["vertical"], 50, flip=False)
    assert as_it_is.equal < as_it_is.total and as_it_is.white_in_both == 0
