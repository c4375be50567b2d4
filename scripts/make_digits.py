"""Write ui/static/digits.png and digits.txt: small digits for the network that learns in the browser.

They are from `training/sample`, which is from MNIST: 1,500 of its training rows, 150 of each class, scaled to 14 × 14.
The first 1,000 are learned from. The image holds 50 × 30 of them; the text their labels, row by row.
"""

import io
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
from PIL import Image

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "training" / "sample" / "data" / "train-00000-of-00001.parquet"
STATIC = ROOT / "ui" / "static"
SIDE, COLUMNS, PER_CLASS = 14, 50, 150


def main() -> None:
    """Write both files."""
    table = pq.read_table(SAMPLE)
    labels = np.array(table["label"].to_pylist())
    random = np.random.default_rng(0)
    rows = np.concatenate([random.permutation(np.flatnonzero(labels == digit))[:PER_CLASS] for digit in range(10)])
    rows = random.permutation(rows)
    tiles = []
    for row in rows:
        with Image.open(io.BytesIO(table["image"][int(row)].as_py()["bytes"])) as image:
            tiles.append(cv2.resize(np.asarray(image), (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    sheet = np.array(tiles).reshape(-1, COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(-1, COLUMNS * SIDE)
    Image.fromarray(sheet).save(STATIC / "digits.png", optimize=True)
    (STATIC / "digits.txt").write_text("".join(map(str, labels[rows])) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
