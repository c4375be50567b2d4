"""Which of the known kernels a learned one is most like."""

import numpy as np

from ui.edges.kernels import KERNELS

MIN_COSINE = 0.8  # below it a kernel is like none of them
COMPARED = ("prewitt", "sobel", "scharr", "laplacian", "all", "emboss")


def nearest_kernel(kernel: np.ndarray) -> tuple[str, float] | None:
    """Return the known kernel that a learned one is most like, in any of four directions and with either sign.

    Args:
        kernel: float32 (side, side).

    Returns:
        a key of `KERNELS` and the cosine between both, 0 … 1; None if none is like it.

    Example:
        >>> nearest_kernel(np.array([[3, 6, 3], [0, 0, 0], [-3, -6, -3]]))
        ('sobel', 1.0)
    """
    found = [(_cosine(kernel, KERNELS[name]), name) for name in COMPARED if KERNELS[name].shape == kernel.shape]
    cosine, name = max(found, default=(0.0, ""))
    return (name, round(cosine, 4)) if cosine >= MIN_COSINE else None


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest absolute cosine between a kernel and another one turned by 0, 90, 180 and 270 degrees."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    turned = [abs(float((one * np.rot90(other, turns)).sum())) for turns in range(4)]
    return max(turned) / size if size else 0.0
