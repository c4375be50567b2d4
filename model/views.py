"""Views of an image whose answers are averaged, known as test-time augmentation (TTA)."""

import numpy as np

# Name -> what the views are, as texts say it.
VIEWS = {
    "mirror": "the image and its mirror image",
    "shift": "the image, and the image shifted to the upper left and to the lower right",
    "mirror-shift": "the image, the image shifted to the upper left and to the lower right, and their mirror images",
}
SHIFT = 1 / 32  # of a side, at least one pixel


def other_views(pixels: np.ndarray, name: str | None) -> list[np.ndarray]:
    """Return the views of images besides the images themselves. A shifted image reflects what lies next to its border.

    Sources: Krizhevsky, Sutskever and Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks",
    for the mean over shifted and mirrored images; Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", for
    these shifts.

    Args:
        pixels: (n, h, w, c).
        name: a key of `VIEWS`; None for no other views.

    Returns:
        arrays of the same shape.

    Example:
        >>> [view.shape for view in other_views(np.zeros((8, 32, 32, 3)), "mirror")]
        [(8, 32, 32, 3)]
    """
    if name is None:
        return []
    shifted = []
    if "shift" in name:
        height, width = pixels.shape[1:3]
        down, right = (min(side - 1, max(1, round(SHIFT * side))) for side in (height, width))
        padded = np.pad(pixels, ((0, 0), (down, down), (right, right), (0, 0)), mode="reflect")
        shifted = [padded[:, top : top + height, left : left + width] for top, left in ((2 * down, 2 * right), (0, 0))]
    return shifted + ([one[:, :, ::-1] for one in (pixels, *shifted)] if "mirror" in name else [])
