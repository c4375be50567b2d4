"""Scaling fitted from histograms."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from model import CnnConfig, TrazoError
from model.network import build_network
from model.preprocess.decode import decode
from model.scaling import PixelHistogram, Scaling
from tests.conftest import SAMPLE


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    rows = pq.read_table(f"{SAMPLE}/data/test-00000-of-00001.parquet")["image"].to_pylist()[:300]
    return np.stack([decode(row["bytes"], (28, 28, 1)) for row in rows])


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.beta(2, [2, 3, 5], (50, 16, 16, 3)) * 256).astype(np.uint8)


def histogram(images: np.ndarray) -> PixelHistogram:
    result = PixelHistogram(images.shape[-1])
    for start in range(0, len(images), 70):  # in several batches, as they are streamed
        result.update(images[start : start + 70])
    return result


@pytest.mark.parametrize("name", ["digits", "photos"])
def test_histogram_fit_equals_numpy_on_all_pixels(name, request):
    images = request.getfixturevalue(name)
    pixels = images.reshape(-1, images.shape[-1]).astype(float)
    counted = histogram(images)
    fitted = {method: counted.fit(method) for method in ("min-max", "z-score", "robust")}
    np.testing.assert_allclose(fitted["min-max"].offset, pixels.min(axis=0))
    np.testing.assert_allclose(fitted["min-max"].scale, np.ptp(pixels, axis=0))
    np.testing.assert_allclose(fitted["z-score"].offset, pixels.mean(axis=0))
    np.testing.assert_allclose(fitted["z-score"].scale, pixels.std(axis=0))
    quartiles = np.quantile(pixels, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(fitted["robust"].offset, quartiles[1])
    spread = quartiles[2] - quartiles[0]
    np.testing.assert_allclose(fitted["robust"].scale, np.where(spread > 0, spread, pixels.std(axis=0)))


def test_histogram_fit_zero_spread_never_divides(digits):
    """Three quarters of a digit's pixels are background: the interquartile range is 0."""
    counted = histogram(digits)
    assert counted.quantile(0.75) == counted.quantile(0.25) == 0
    assert counted.fit("robust").scale == counted.fit("z-score").scale
    constant = histogram(np.full((2, 4, 4, 1), 9, np.uint8))
    for method in ("min-max", "z-score", "robust"):
        assert constant.fit(method) == Scaling(method, (9.0,), (1.0,))


def test_scaling_is_applied_by_the_network(photos):
    scaling = histogram(photos).fit("z-score")
    config = CnnConfig(image_shape=(16, 16, 3), filters=(2,), scaling=scaling)
    scaled = build_network(config).get_layer("scaling")(photos.astype(np.float32))
    np.testing.assert_allclose(scaled, (photos - np.array(scaling.offset)) / np.array(scaling.scale), atol=1e-4)


def test_histogram_fit_without_pixels_is_refused():
    with pytest.raises(TrazoError, match="there are min-max, z-score, robust"):
        PixelHistogram(1).fit("log")
    with pytest.raises(TrazoError, match="no image was read"):
        PixelHistogram(1).fit("z-score")
