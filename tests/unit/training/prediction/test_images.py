"""Finding the images to predict, in folders, archives, files and datasets."""

import shutil
from pathlib import Path

import pytest
from datasets import Features, Image, Value

from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from training.prediction.images import ImageRows, open_images

IMAGES = random_images(7)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Seven images in folders of any depth, two of them damaged, and other files."""
    root = tmp_path / "in"
    names = ("1.png", "a/2.png", "a/b/c/3.PNG", "a/b/c/4.png", "train/5", "test/6.png", "test/empty.png")
    for name, content in zip(names, [*IMAGES[:6], b""], strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "notes.txt").write_text("hi")
    (root / ".hidden.png").write_bytes(IMAGES[0])
    return root


def read(data: object, batch_rows: int = 3, start: int = 0, **chosen) -> tuple[list[str], list[bytes | None]]:
    names, encoded = [], []
    for rows in open_images(str(data), **chosen).read(start, batch_rows):
        assert isinstance(rows, ImageRows) and 0 < len(rows.names) == len(rows.encoded) <= batch_rows
        missing = [position for position, one in enumerate(rows.encoded.to_pylist()) if one is None]
        assert sorted(rows.reasons) == missing, "what cannot be read has a reason"
        names += rows.names
        encoded += rows.encoded.to_pylist()
    return names, encoded


def test_open_images_folder_finds_images_in_all_folders_and_counts_the_others(folder):
    names, encoded = read(folder)
    found = dict(zip(names, encoded, strict=True))
    assert found == {
        **{"1.png": IMAGES[0], "a/2.png": IMAGES[1], "a/b/c/3.PNG": IMAGES[2], "a/b/c/4.png": IMAGES[3]},
        **{"train/5": IMAGES[4], "test/6.png": IMAGES[5], "test/empty.png": None},
    }
    left_out = {one.reason: one.count for one in open_images(str(folder)).left_out}
    assert left_out == {".txt files": 1, "hidden or system files": 1}


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_open_images_archive_is_read_as_its_folder(folder, tmp_path, kind):
    archive = shutil.make_archive(str(tmp_path / "packed"), kind, folder)
    assert dict(zip(*read(archive), strict=True)) == dict(zip(*read(folder), strict=True))


@pytest.mark.parametrize("start", [0, 3, 6])
def test_image_files_start_is_a_seek(folder, start):
    names, encoded = read(folder)
    assert read(folder, start=start) == (names[start:], encoded[start:])


def test_open_images_single_file_is_one_image(folder):
    assert read(folder / "a" / "2.png") == (["2.png"], [IMAGES[1]])
    with pytest.raises(TrazoError, match=r"notes.txt is neither an image \(PNG"):
        open_images(str(folder / "notes.txt"))


def test_open_images_split_of_a_folder_takes_its_folder(folder):
    for path in ("1.png", "a"):
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()
    assert read(folder, split="test")[0] == ["test/6.png", "test/empty.png"]
    with pytest.raises(TrazoError, match="has no folder of a split 'dev'; it has test, train"):
        open_images(str(folder), "dev")


def test_open_images_folder_without_images_is_refused_with_what_it_holds(tmp_path):
    (tmp_path / "song.mp3").write_bytes(b"x")
    with pytest.raises(TrazoError, match=r"holds no image .*; it holds 1 .mp3 files"):
        open_images(str(tmp_path))


@pytest.mark.parametrize("start", [0, 3])
def test_open_images_dataset_needs_no_labels(tmp_path, start):
    features = Features({"image": Image(), "note": Value("string")})
    rows = {"image": [*IMAGES, None], "note": ["x"] * 8}
    data = write_dataset(tmp_path, features, [rows], rows_per_group=2, split="test")
    assert read(data, start=start) == ([str(row) for row in range(start, 8)], [*IMAGES, None][start:])
    with pytest.raises(TrazoError, match="no split 'dev'; it has test"):
        open_images(data, "dev")


def test_open_images_identity_changes_with_the_images(folder):
    before = open_images(str(folder)).identity
    assert open_images(str(folder)).identity == before
    (folder / "1.png").write_bytes(IMAGES[1] + b"x")
    assert open_images(str(folder)).identity != before
