"""The page's converter of drawings, run by Node.js, compared with that of Python."""

import json
import subprocess
from pathlib import Path
from shutil import which

import cv2
import numpy as np
import pytest

from model.preprocess.decode import resize_to_input
from model.preprocess.sketch import sketch_to_input

pytestmark = pytest.mark.skipif(not which("node"), reason="no Node.js")
SCRIPT = Path(__file__).parents[4] / "training" / "release" / "web" / "drawing.js"
RUN = """
const [shape, sizes] = JSON.parse(process.argv[1]);
const pixels = require("node:fs").readFileSync(0);
const made = [];
let start = 0;
for (const [height, width, channels] of sizes) {
    const data = pixels.subarray(start, (start += height * width * channels));
    const image = { width, height, values: data, data };
    const found = channels === 1 ? drawingToPixels(image, shape) : imageToPixels(image, shape);
    made.push(found ?? new Uint8Array(shape.width * shape.height * shape.channels));
}
require("node:fs").writeFileSync(1, Buffer.concat(made));
"""


def convert(images: list[np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """Return what the page makes of drawings (h, w, 1) and of images (h, w, 4), uint8 (n, height, width, channels)."""
    given = json.dumps([dict(zip(("height", "width", "channels"), shape, strict=True)), [one.shape for one in images]])
    done = subprocess.run(
        ["node", "-e", SCRIPT.read_text() + RUN, given],
        input=b"".join(one.tobytes() for one in images),
        capture_output=True,
        check=True,
        timeout=200,
    )
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, *shape)


def random_drawings(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    drawings = []
    for _ in range(count):
        side = int(rng.choice([200, 400]))
        drawing = np.full((side, side, 1), 255, np.uint8)
        for _ in range(rng.integers(1, 4)):
            points = (rng.uniform(0.1, 0.9, (rng.integers(2, 7), 2)) * side * 16).astype(np.int32)
            cv2.polylines(drawing, [points], False, 0, int(rng.integers(4, 40)), cv2.LINE_AA, 4)
        drawings.append(drawing)
    return drawings


@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 32, 1), (17, 9, 1)])
def test_drawing_to_pixels_gives_the_bytes_of_python(shape):
    drawings = random_drawings(12)
    wanted = np.stack([sketch_to_input(one, shape) for one in drawings])
    np.testing.assert_array_equal(convert(drawings, shape), wanted)


def test_drawing_to_pixels_blank_canvas_or_faint_mark_is_nothing():
    faint = np.full((100, 100, 1), 255, np.uint8)
    faint[40:60, 40:60] -= 15
    assert not convert([np.full((100, 100, 1), 255, np.uint8), faint], (28, 28, 1)).any()


@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 24, 3)])
@pytest.mark.parametrize("size", [(28, 28), (90, 61), (10, 13), (300, 301)])
def test_image_to_pixels_is_within_a_level_of_python(shape, size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 4), np.uint8)
    image[..., 3] = 255
    [found] = convert([image], shape)
    wanted = resize_to_input(np.ascontiguousarray(image[..., :3]), shape)
    # Python first rounds the gray of each pixel of an image in color, and enlarges in fixed point.
    assert np.abs(found.astype(int) - wanted).max() <= 1
