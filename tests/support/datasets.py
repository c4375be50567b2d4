"""Small datasets in the layout of a Hub repo, written for a test."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, Features, Value
from datasets import Image as ImageFeature
from PIL import Image


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """Encode pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def random_images(count: int, shape: tuple[int, ...] = (8, 8), seed: int = 0) -> list[bytes]:
    """Return encoded images of random pixels."""
    random = np.random.default_rng(seed)
    return [png(random.integers(0, 256, shape, np.uint8)) for _ in range(count)]


def write_dataset(
    folder: Path,
    features: Features,
    shards: Sequence[dict[str, list[Any]]],
    rows_per_group: int = 10,
    split: str = "train",
) -> str:
    """Write one split's shards as Parquet; returns the folder."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for number, columns in enumerate(shards):
        path = folder / "data" / f"{split}-{number:05d}-of-{len(shards):05d}.parquet"
        Dataset.from_dict(columns, features=features).to_parquet(path, batch_size=rows_per_group)
    return str(folder)


def write_drawings(folder: Path) -> str:
    """Dark strokes on light paper of several sizes, one sheet without any, with their writers."""
    images, labels, writers = [], [], []
    for row in range(60):
        side = 60 + row
        sheet = np.full((side, side + 20), 240, np.uint8)
        if row != 7:
            sheet[10 : side - 10, 20 + row % 5 : 28 + row % 5] = 15
        images.append(png(sheet))
        labels.append(row % 10)
        writers.append(f"writer {row // 4}")
    schema = Features(
        {"image": ImageFeature(), "label": ClassLabel(names=list("0123456789")), "writer": Value("string")}
    )
    return write_dataset(folder, schema, [{"image": images, "label": labels, "writer": writers}])


IMAGE_STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def image_structs(images: Sequence[bytes | None]) -> pa.Array:
    """Return encoded images as `datasets` stores them."""
    return pa.array([{"bytes": image, "path": None} for image in images], IMAGE_STRUCT)


def write_tables(folder: Path, *tables: dict[str, Any], split: str = "train") -> str:
    """Write one Parquet file per table, without any features of `datasets`; returns the folder.

    A table without a column `image` gets one of random images, as many as its first column has rows.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for number, given in enumerate(tables):
        rows = len(next(iter(given.values())))
        columns = given if "image" in given else {"image": image_structs(random_images(rows, seed=number)), **given}
        path = folder / "data" / f"{split}-{number:05d}-of-{len(tables):05d}.parquet"
        pq.write_table(pa.table(columns), path)
    return str(folder)
