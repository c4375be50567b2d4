"""Photographs for `benchmarks.stream`: as files in one folder per class, and as a dataset in a Hub repo's layout."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Features
from datasets import Image as ImageFeature
from PIL import Image

from tests.support.images import encode_image, photograph
from training.data.parquet.shards import ParquetShards, bounded_groups

CLASSES = [str(label) for label in range(5)]  # of photographs that are made
QUALITY = 90
SMALL_PX, SMALL_NUMBER = 227, 3224
LARGE_SIZE, LARGE_NUMBER = (3000, 4000), 32
SIDE_PX, LARGE_SIDE_PX = 64, 128  # of the network's input
MIN_LARGE_PX = 800  # longer side of photographs that are fitted into the second

File = tuple[str, bytes]  # class, content


def make_small(folder: Path) -> tuple[str, int]:
    """Write JPEGs of 227 × 227 pixels: parts of a few scenes, reduced as photographs on the web are.

    Returns:
        what they are, and the side of the network's input.
    """
    random = np.random.default_rng(0)
    scenes = [photograph(1200, 1600, seed) for seed in range(12)]

    def files() -> Iterator[File]:
        while True:
            scene, side = scenes[random.integers(len(scenes))], SMALL_PX * int(random.integers(2, 5))
            top, left = (int(random.integers(0, extent - side)) for extent in scene.shape[:2])
            part = scene[top : top + side, left : left + side]
            part = cv2.resize(part, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA)
            yield CLASSES[random.integers(len(CLASSES))], encode_image(part, "JPEG", quality=QUALITY)

    _write(folder, CLASSES, islice(files(), SMALL_NUMBER))
    return f"{SMALL_NUMBER:,} JPEGs of {SMALL_PX} × {SMALL_PX} pixels", SIDE_PX


def make_large(folder: Path) -> tuple[str, int]:
    """Write JPEGs of 12 megapixels: two scenes and their mirror images, repeated; returns what `make_small` does."""
    scenes = [photograph(*LARGE_SIZE, seed) for seed in range(2)]
    contents = [encode_image(one, "JPEG", quality=QUALITY) for scene in scenes for one in (scene, scene[:, ::-1])]
    numbers = range(LARGE_NUMBER)
    _write(folder, CLASSES, ((CLASSES[n % len(CLASSES)], contents[n % len(contents)]) for n in numbers))
    return f"{LARGE_NUMBER} JPEGs of 12 megapixels", LARGE_SIDE_PX


def copy_photographs(folder: Path, source: Path) -> tuple[str, int]:
    """Copy the JPEGs in a folder and its folders, whose names are the classes; returns what `make_small` does."""
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not paths:
        raise SystemExit(f"{source} has no JPEG files")
    sides = []
    for path in paths:
        with Image.open(path) as image:
            sides.append(max(image.size))
    classes = sorted({path.parent.name for path in paths})
    _write(folder, classes, ((path.parent.name, path.read_bytes()) for path in paths))
    longer = median(sides)
    title = f"{len(paths):,} JPEGs with a longer side of {longer:,.0f} pixels"
    return title, LARGE_SIDE_PX if longer >= MIN_LARGE_PX else SIDE_PX


def _write(folder: Path, classes: list[str], files: Iterable[File]) -> None:
    """Write files to `folder/files/CLASS/NUMBER.jpg`, and the same ones to Parquet files in `folder/dataset`."""
    for label in classes:
        (folder / "files" / label).mkdir(parents=True)
    (folder / "dataset").mkdir()
    schema = Features({"image": ImageFeature(), "label": ClassLabel(names=classes)}).arrow_schema

    def rows() -> Iterator[pa.Table]:
        for number, (label, content) in enumerate(files):
            (folder / "files" / label / f"{number}.jpg").write_bytes(content)
            columns = {"image": [{"bytes": content, "path": None}], "label": [classes.index(label)]}
            yield pa.table(columns, schema)

    with ParquetShards(folder / "dataset", schema) as shards:
        for group in bounded_groups(rows()):
            shards.write_group(group)
