"""What the scan found shows whether images are photographs, or writing, drawings and cut-out objects."""

import cv2
import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from model.preprocess.facts import image_facts_batch
from tests.support.datasets import png, write_dataset
from training.config import DataConfig
from training.data.image_kind import choose_image_kind
from training.data.splits import open_data

RNG = np.random.default_rng(0)
ENCODINGS = ("png", "jpg")


def encode(pixels: np.ndarray, encoding: str) -> bytes:
    return cv2.imencode(f".{encoding}", pixels)[1].tobytes()


def writing(encoding: str, background: int = 0, depth: type = np.uint8) -> bytes:
    pixels = np.full((28, 28), background, depth)
    cv2.circle(pixels, tuple(map(int, RNG.integers(10, 18, 2))), 7, 255 - background, 2, cv2.LINE_AA)
    return encode(pixels, encoding)


def scene(channels: int, encoding: str = "png") -> bytes:
    """Return smooth shades of all levels, as in a photograph."""
    shades = cv2.GaussianBlur(RNG.random((40, 60, channels)).astype(np.float32), None, 4).reshape(40, 60, channels)
    return encode(cv2.normalize(shades, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8), encoding)


def kind_of(images: list[bytes]) -> tuple[bool, str]:
    kind = choose_image_kind(image_facts_batch(images)[0])
    return kind.photographs, kind.reason


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("background", [0, 255])
def test_image_kind_writing_on_one_level_is_not_photographs(encoding, background):
    images = [writing(encoding, background) for _ in range(20)]
    assert kind_of(images) == (False, "100 % of the images are gray on a flat background")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("channels", "words"), [(1, "gray without a flat background"), (3, "in color")])
def test_image_kind_shades_are_photographs(encoding, channels, words):
    images = [scene(channels, encoding) for _ in range(20)]
    assert kind_of(images) == (True, f"100 % of the images are {words}")


def test_image_kind_deep_images_are_judged_by_their_own_brightest_level():
    dark = [png(np.where(RNG.random((28, 28)) < 0.2, 4000, 100).astype(np.uint16)) for _ in range(5)]
    shades = [png((RNG.random((28, 28)) * 4000).astype(np.uint16)) for _ in range(5)]
    assert not kind_of(dark)[0] and kind_of(shades)[0]


def test_image_kind_follows_most_images():
    few = [scene(3) for _ in range(4)] + [writing("png") for _ in range(6)]
    assert kind_of(few) == (False, "60.0 % of the images are gray on a flat background")
    assert kind_of([*few, scene(1), scene(1), scene(1)]) == (
        True,
        "23.1 % of the images are gray without a flat background and 30.8 % in color",
    )


@pytest.mark.parametrize("no_scan", [False, True])
def test_open_data_has_the_kind_of_its_images_with_and_without_a_scan(tmp_path, no_scan):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    for channels, is_photographs in ((3, True), (0, False)):
        images = [scene(channels) if channels else writing("png") for _ in range(40)]
        folder = write_dataset(tmp_path / str(channels), features, [{"image": images, "label": [0, 1] * 20}])
        opened = open_data(DataConfig(folder, no_scan=no_scan, color="gray"))  # of the input
        assert opened.image_kind.photographs == is_photographs
