"""Whether a dataset's images are photographs, or drawings, writing and the like, from what the scan found in them."""

from dataclasses import dataclass

import numpy as np

from training.data.inspection.words import share


@dataclass(frozen=True)
class ImageKind:
    """What most images are.

    Attributes:
        photographs: whether they are photographs.
        reason: what that follows from.
    """

    photographs: bool
    reason: str


def choose_image_kind(facts: np.ndarray, counts: np.ndarray | None = None) -> ImageKind:
    """Return what most images are: photographs are in color, or gray without a flat background.

    Writing, drawings and objects that were cut out are gray on one level. Icons in color count as photographs: for them
    the recipe of writing, which turns and slants, suits no better.

    Args:
        facts: `FACTS` (n,) of images that can be decoded, at least one.
        counts: int64 (n,): how many images have these facts; None for one each.
    """
    counts = np.ones(len(facts), np.int64) if counts is None else counts
    total = int(counts.sum())
    color = int(counts[facts["channels"] == 3].sum())
    flat = int(counts[(facts["channels"] == 1) & facts["flat"]].sum())
    uneven = total - color - flat
    if 2 * color > total:
        return ImageKind(True, f"{share(color, total)} of the images are in color")
    if 2 * (color + uneven) > total:
        in_color = f" and {share(color, total)} in color" if color else ""
        return ImageKind(True, f"{share(uneven, total)} of the images are gray without a flat background{in_color}")
    return ImageKind(False, f"{share(flat, total)} of the images are gray on a flat background")
