"""Small images of rows for the page: as data, so that the page is one file."""

import base64
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from model.pixel_format import PixelFormat
from model.preprocess.decode import decode
from training.data.inspection.scanned import ScannedSplit

MAX_SIDE_PX = 96
MAX_PNG_PIXELS = 40 * 40  # larger ones are JPEG, which is smaller


def thumbnails(split: ScannedSplit, rows: Iterable[int], pixel_format: PixelFormat) -> dict[int, str]:
    """Return data URIs of rows' images, at most `MAX_SIDE_PX` on a side.

    Args:
        split: that was scanned.
        rows: ids; those that cannot be decoded are left out.
        pixel_format: which values of the files are black and white.

    Raises:
        StreamError: if a file cannot be read.
    """
    index, table = split.index, split.labeled.source.table
    assert index is not None
    chosen = np.array(sorted({int(row) for row in rows if index.readable[row]}), np.int64)
    groups = np.searchsorted(table.first, chosen, side="right") - 1
    found = {}
    for group in np.unique(groups).tolist():
        here = chosen[groups == group]
        mask = np.zeros(int(table.rows[group]), bool)
        mask[here - int(table.first[group])] = True
        images, _ = split.labeled.read((group, group + 1), mask)
        for row, image in zip(here.tolist(), images, strict=True):
            found[row] = _data_uri(image.as_py(), index.kinds[index.kind[row]], pixel_format)
    return found


def first_of_each_class(split: ScannedSplit, limit: int) -> list[int]:
    """Return the first usable row of each class that has one, of at most some classes."""
    assert split.index is not None
    rows = np.flatnonzero(split.index.usable)
    _, first = np.unique(split.index.labels[rows], return_index=True)
    return rows[first[:limit]].tolist()


def row_numbers(names: Sequence[str]) -> list[int]:
    """Return the ids of rows from what `ScannedSplit.row_name` calls them.

    Example:
        >>> row_numbers(["row 12 (cat/1.png)", "row 7"])
        [12, 7]
    """
    return [int(name.split()[1]) for name in names]


def _data_uri(encoded: bytes, facts: np.void, pixel_format: PixelFormat) -> str:
    height, width, channels = int(facts["height"]), int(facts["width"]), int(facts["channels"])
    scale = min(1.0, MAX_SIDE_PX / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale)), channels
    pixels = decode(encoded, shape, pixel_format)
    if channels == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    kind = "png" if shape[0] * shape[1] <= MAX_PNG_PIXELS else "jpeg"
    _, content = cv2.imencode(f".{kind}", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80] if kind == "jpeg" else [])
    return f"data:image/{kind};base64,{base64.b64encode(content.tobytes()).decode()}"
