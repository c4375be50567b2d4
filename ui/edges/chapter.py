"""The course's own script: filled in for a kernel, run, and compared with the page's result pixel by pixel."""

from dataclasses import dataclass

import numpy as np

from ui.edges.convolution import correlate, flip_kernel, sums_to_image, to_gray

SCRIPT = """\
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.signal import convolve2d

original = Image.open("{photo}")
gray = np.array(original.convert("L"), dtype=float)
kernel = np.array({kernel})

edges = convolve2d(gray, kernel, mode="same")
edges = np.where(edges > {threshold:g}, 255, 0)

_, (left, right) = plt.subplots(1, 2)
left.imshow(original, cmap="gray")
left.set_title("Imagen original")
right.imshow(edges, cmap="gray")
right.set_title("Imagen con bordes detectados")
plt.show()
"""


@dataclass(frozen=True)
class Agreement:
    """How many pixels of two images are equal."""

    equal: int
    total: int
    white: int  # pixels that are white in the script's result
    white_in_both: int


def chapter_script(kernel: np.ndarray, threshold: float, photo: str = "photo.jpg") -> str:
    """Return the course's script, in today's NumPy, for a kernel.

    Args:
        kernel: float32 (side, side).
        threshold: above which a pixel is white.
        photo: name of the image file.

    Example:
        >>> print(chapter_script(KERNELS["vertical"], 50))
    """
    rows = ", ".join("[" + ", ".join(_literal(weight) for weight in row) + "]" for row in kernel)
    return SCRIPT.format(photo=photo, kernel=f"[{rows}]", threshold=threshold)


def run_chapter(gray: np.ndarray, kernel: np.ndarray, threshold: float) -> np.ndarray:
    """Return the result of the course's script, uint8 (h, w): 255 for edges and 0 elsewhere.

    Args:
        gray: whole numbers 0 … 255, (h, w).
        kernel: (side, side).
        threshold: above which a pixel is white.
    """
    from scipy.signal import convolve2d  # takes a third of a second, and most visitors never ask

    return np.where(convolve2d(gray, kernel, mode="same") > threshold, 255, 0).astype(np.uint8)


def compare_with_chapter(image: np.ndarray, kernel: np.ndarray, threshold: float, flip: bool) -> Agreement:
    """Return how far the page's result is that of the course's script.

    Args:
        image: as `to_gray` takes it.
        kernel: float32 (side, side).
        threshold: above which a pixel is white.
        flip: whether the page turns the kernel by 180° first.
    """
    gray = to_gray(image)
    theirs = run_chapter(gray, kernel, threshold) == 255
    ours = sums_to_image(correlate(gray, flip_kernel(kernel) if flip else kernel), "clipped", threshold) == 255
    return Agreement(
        equal=int((theirs == ours).sum()),
        total=theirs.size,
        white=int(theirs.sum()),
        white_in_both=int((theirs & ours).sum()),
    )


def _literal(weight: float) -> str:
    """Return a weight as Python writes it, whole numbers without a point."""
    return str(int(weight)) if weight == int(weight) else f"{weight:.6g}"
