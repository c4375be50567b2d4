"""Min-max, z-score and robust scaling of pixels, fitted in one pass and applied inside the network.

An 8-bit image has 256 possible values, so one histogram per channel holds the whole distribution: minimum, maximum,
mean, standard deviation and quartiles all come from it exactly, and one streamed pass serves every method.
"""

from dataclasses import dataclass

import numpy as np

from model.errors import TrazoError

MAX_MAGNITUDE = 1e9  # divisors lie between its inverse and it, so that float32 neither overflows nor becomes 0
METHODS = ("min-max", "z-score", "robust", "none")
OF_BACKBONE = "backbone"  # not fitted: what a pretrained network was trained with


@dataclass(frozen=True)
class Scaling:
    """`(x − offset) / scale`, one pair per channel; part of the network's config."""

    method: str = "none"
    offset: tuple[float, ...] = (0.0,)  # min, mean or median, in gray levels 0 … 255
    scale: tuple[float, ...] = (1.0,)  # max − min, standard deviation or interquartile range; never 0

    def __post_init__(self) -> None:
        """Refuse scales that would divide by zero, and lists that do not match."""
        if self.method not in (*METHODS, OF_BACKBONE):
            raise TrazoError(f"unknown scaling {self.method!r}; there are {', '.join((*METHODS, OF_BACKBONE))}")
        lists = isinstance(self.offset, tuple) and isinstance(self.scale, tuple)
        values = (*self.offset, *self.scale) if lists else ()
        numbers = bool(values) and all(_is_number(value) and abs(value) <= MAX_MAGNITUDE for value in values)
        if (
            not numbers
            or len(self.offset) != len(self.scale)
            or any(abs(one) < 1 / MAX_MAGNITUDE for one in self.scale)
        ):
            raise TrazoError("scaling needs as many finite offsets as finite, non-zero scales, none of extreme size")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class PixelHistogram:
    """Counts of each gray level per channel, over any number of images.

    `counts` has shape (channels, 256), dtype int64.
    """

    def __init__(self, channels: int) -> None:
        """Start without any pixel."""
        self.counts = np.zeros((channels, 256), np.int64)

    def update(self, images: np.ndarray) -> None:
        """Add a batch, uint8 (n, h, w, channels)."""
        for channel, counts in enumerate(self.counts):
            counts += np.bincount(images[..., channel].ravel(), minlength=256)

    def quantile(self, q: float) -> np.ndarray:
        """Return the q-quantile of each channel, float64 (channels,).

        The median of an even number of pixels is the lower of the two middle ones.
        """
        levels = np.arange(256.0)
        return np.array([np.quantile(levels, q, weights=one, method="inverted_cdf") for one in self.counts])

    def fit(self, method: str) -> Scaling:
        """Return the scaling of this method for the pixels counted so far.

        If the spread of a method is zero, another one replaces it, so that nothing is divided by zero: most pixels of
        a drawing are background, the interquartile range of such images is 0, and robust scaling then divides by
        the standard deviation. A constant channel is only shifted.

        Raises:
            TrazoError: if the method is unknown or no pixel was counted.
        """
        if method not in METHODS:
            raise TrazoError(f"unknown scaling {method!r}; there are {', '.join(METHODS)}")
        channels = len(self.counts)
        if method == "none":
            return Scaling("none", (0.0,) * channels, (1.0,) * channels)
        if not self.counts.sum():
            raise TrazoError("scaling cannot be fitted: no image was read")
        levels = np.arange(256)
        weights = self.counts / self.counts.sum(axis=1, keepdims=True)
        mean = weights @ levels
        deviation = np.sqrt((weights * (levels - mean[:, None]) ** 2).sum(axis=1))
        present = self.counts > 0
        low, high = present.argmax(axis=1), 255 - present[:, ::-1].argmax(axis=1)
        offset, scale = {
            "min-max": (low, high - low),
            "z-score": (mean, deviation),
            "robust": (self.quantile(0.5), self.quantile(0.75) - self.quantile(0.25)),
        }[method]
        scale = np.where(scale > 0, scale, np.where(deviation > 0, deviation, 1.0))
        return Scaling(method, tuple(map(float, offset)), tuple(map(float, scale)))
