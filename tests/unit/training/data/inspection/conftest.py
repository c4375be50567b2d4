"""Datasets to inspect: letters in gray, photographs in color, a messy folder."""

from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image, Value

from tests.support.datasets import png, random_images, write_dataset
from tests.support.folders import write_files

MARKUP = "<b>cat & co"  # the name of a class
LETTERS = Features(
    {
        "image": Image(),
        "label": ClassLabel(names=["A", "B", "C"]),
        "id": Value("string"),
        "font": Value("string"),
        "name": Value("string"),
        "source": Value("string"),
        "writer": Value("int32"),
    }
)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def letters(tmp_path: Path) -> str:
    """Return gray images: row 7 equals row 1, row 8 equals row 2 under another label, test rows 0 and 1 equal row 3."""
    images = random_images(60, seed=1)
    labels = [row % 3 for row in range(60)]
    images[7], labels[7] = images[1], labels[1]
    images[8], labels[8] = images[2], 0
    columns = {
        "image": images,
        "label": labels,
        "id": [f"id {row}" for row in range(60)],
        "font": ["serif"] * 60,
        "name": ["abc"[label] for label in labels],
        "source": [f"{label} {row // 12}" for row, label in enumerate(labels)],
        "writer": [row // 4 for row in range(60)],
    }
    folder = tmp_path / "letters"
    write_dataset(folder, LETTERS, [columns])
    test = {name: values[:12] for name, values in columns.items()}
    test["image"] = [images[3], images[3], *random_images(10, seed=2)]
    return write_dataset(folder, LETTERS, [test], split="test")


@pytest.fixture
def photographs(tmp_path: Path) -> str:
    """Return color JPEGs, sorted by label, a few of them gray, of two sizes, in a single split."""
    random = np.random.default_rng(3)
    sizes = [(32, 24, 3)] * 40 + [(16, 16, 3)] * 16 + [(32, 24)] * 4
    images = [png(random.integers(0, 256, size, np.uint8), "JPEG") for size in sizes]
    features = Features({"img": Image(), "label": ClassLabel(names=["plane", "car"])})
    return write_dataset(tmp_path / "photographs", features, [{"img": images, "label": [0] * 30 + [1] * 30}])


@pytest.fixture
def messy(tmp_path: Path) -> str:
    """Return a folder with classes called like markup, broken and constant images, conflicts, and other files."""
    images = iter(random_images(200, (20, 20, 3), seed=4))
    shared = next(images)
    files: dict[str, bytes | str | int] = {
        f"{split}/{name}/{number}.png": next(images)
        for split, rows in (("train", 30), ("test", 5))
        for name in (MARKUP, "dog")
        for number in range(rows)
    }
    files |= {f"train/{MARKUP}/same.png": shared, "train/dog/same.png": shared, f"test/{MARKUP}/same.png": shared}
    files |= {f"train/dog/blank{n}.png": png(np.full((20, 20 + n), 200, np.uint8)) for n in range(3)}
    files |= {"train/dog/broken.png": shared[:200], "train/dog/page.png": "<html>no image</html>"}
    files |= {"train/dog/notes.txt": "x", "train/dog/box.xml": "x", "train/dog/raw.psd": "8BPS" * 9}
    return write_files(tmp_path / "messy", files)
