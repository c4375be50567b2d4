"""Repos of images on the Hub: read by the rules for folders, copied complete or not at all."""

import io
import logging
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Features, Image
from huggingface_hub.utils import http_backoff

from model.errors import StreamError, TrazoError
from tests.support.datasets import png, random_images
from tests.support.fake_hub import Fault, LoopbackHub
from tests.support.folders import IMAGE, left_out, write_files
from training.data.folders import copies, fetch, report
from training.data.folders import hub as hub_folders
from training.data.parquet import byte_ranges, locks
from training.data.parquet.split_info import SplitNotFoundError
from training.prediction.images import open_images
from training.stream import HubStream

REPO = "someone/images"
NAMES = ["a/0.png", "b/0.png"]
Add = Callable[..., str]


def zipped(names: list[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, IMAGE)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def hub(tmp_path, use_hub, monkeypatch, caplog):
    monkeypatch.setattr(byte_ranges, "http_backoff", partial(http_backoff, base_wait_time=0.02))
    caplog.set_level(logging.INFO, "trazo")
    report.log_once.cache_clear()
    with LoopbackHub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "home")
        yield hub


@pytest.fixture
def add(hub, tmp_path) -> Add:
    """Return a function that makes a repo of files, as for `write_files`, and returns the folder with them."""

    def add_repo(files: dict[str, int | bytes | str]) -> str:
        folder = write_files(tmp_path / "images", files)
        hub.add_repo(REPO, folder=Path(folder))
        return folder

    return add_repo


def parquet_files(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "home").rglob("*.parquet"))


AVIF = png(np.zeros((4, 4, 3), np.uint8), "AVIF")


@pytest.mark.parametrize(
    ("files", "splits", "labels", "unused"),
    [
        ({"disc": 5, "square": 5, "disc/IMG_val_0.png": IMAGE}, {"train": 11}, "disc square", {}),
        ({"disc": 3, "square": 3, "disc/train 1.png": IMAGE}, {"train": 7}, "disc square", {}),
        ({"bus": 3, "car": 3, "train": 3}, {"train": 9}, "bus car train", {}),
        ({"dev board": 2, "val d'isère #1 100%41?": 2}, {"train": 4}, None, {}),
        (
            {"disc": 3, "square": 3, "stray.png": IMAGE},
            {"train": 6},
            "disc square",
            {"images next to the class folders": 1},
        ),
        (
            {"train/disc": 3, "train/square": 3, "test": 2},
            {"train": 6},
            "disc square",
            {"images in test, a split without labels, as it has no folders of the classes": 2},
        ),
        (
            {f"{name}/{n:03}.{end}": "x" for name in ("disc", "square") for n in range(3) for end in ("json", "txt")}
            | {"disc": 3, "square": 3, "README.md": "---\ntags: [a]\n---\n"},
            {"train": 6},
            "disc square",
            {".json files": 6, ".txt files": 6, ".md files": 1},
        ),
        ({"disc/1.avif": AVIF, "disc/2.JPG": IMAGE, "ring/1.avif": AVIF}, {"train": 3}, "disc ring", {}),
        ({"data.zip": zipped(["cat/0.JPG", "cat/1.JPG", "dog/0.JPG"])}, {"train": 3}, "cat dog", {}),
        (
            {
                "train.tar": tarred(dict.fromkeys(["a/0.png", "b/0.png"], IMAGE)),
                "test.zip": zipped(["a/0.png", "b/0.png"]),
            },
            {"train": 2, "test": 2},
            "a b",
            {},
        ),
        (
            {"train": 3, "train/metadata.csv": "file_name,label\n000.png,a\n001.png,b\n009.png,b\n"},
            {"train": 2},
            None,
            {"images without a line in the metadata": 1},
        ),
        ({"1": 1, "2": 1, "10": 1, ".hidden": 2}, {"train": 3}, "1 2 10", {"hidden or system files": 2}),
    ],
)
def test_repo_is_read_as_the_folder_with_its_files(add, files, splits, labels, unused):
    folder = add(files)
    for split, rows in splits.items():
        stream = HubStream(REPO, split, label_column="label")
        local = HubStream(folder, split, label_column="label")
        assert stream.rows == rows == local.rows and stream.source.splits == tuple(splits)
        assert labels is None or stream.labels == tuple(labels.split(" "))
        assert stream.source.fingerprint == local.source.fingerprint, "another order or content"
        assert unused.items() <= left_out(stream).items()
        assert stream.source.folder.decision == local.source.folder.decision
        assert stream.source.revision and local.source.revision is None


def test_repo_of_images_opened_again_fetches_no_file(hub, add):
    add({"train/a": 3, "train/b": 3, "test/a": 2, "test/b": 2, "test/more.zip": zipped(["a/x.png"])})
    first = HubStream(REPO)
    assert HubStream(REPO, "test").rows == 4
    hub.log.clear()
    again = HubStream(REPO)
    assert [request.path for request in hub.log] == [f"/api/datasets/{REPO}"]
    assert again.source.folder == first.source.folder and again.source.fingerprint == first.source.fingerprint


def test_repo_new_commit_is_copied_again(hub, add):
    add({"a": 3, "b": 3})
    assert HubStream(REPO).rows == 6
    add({"a/new.png": IMAGE})
    assert HubStream(REPO).rows == 7


def test_repo_layout_is_overruled(add):
    add({"2020/cat": 3, "2020/dog": 3, "2021/cat": 3})
    assert HubStream(REPO).labels == ("cat", "dog")
    assert HubStream(REPO, layout="outer").labels == ("2020", "2021")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a": 3, "b": 3, "c/1.cr2": "raw"}, r"class folders without an image that can be used: c \(1 \.cr2 files\)"),
        ({"train": 3, "test": 2}, "no class folders, split folders test, train, so there are no labels"),
        ({"": 3, "labels.csv": "a,b"}, "labels in labels.csv are read only from a file called metadata.csv"),
        ({"data.zip": b"PK no zip"}, r"data\.zip is damaged, or not an archive"),
    ],
)
def test_repo_that_cannot_be_learned_is_error_before_an_image_is_fetched(hub, add, tmp_path, files, found):
    add(files)
    with pytest.raises(TrazoError, match=found):
        HubStream(REPO)
    assert not [request for request in hub.log if request.path.endswith(".png")] and not parquet_files(tmp_path)


def test_repo_split_or_config_that_does_not_exist_is_error(add):
    add({"train/a": 2, "train/b": 2, "val/a": 1})
    with pytest.raises(SplitNotFoundError, match="no split 'test'; it has train, validation"):
        HubStream(REPO, "test")
    with pytest.raises(TrazoError, match="is a repo of images and declares no configs, so it has no 'x'"):
        HubStream(REPO, config="x")
    assert HubStream(REPO, "val").source.split == "validation"


DECLARED = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: some/*/*.png\n---\n"
TABLE = io.BytesIO()
Dataset.from_dict({"image": [{"bytes": IMAGE, "path": None}] * 2}, Features({"image": Image()})).to_parquet(TABLE)
SHARD = tarred({f"{n}.{end}": content for n in range(3) for end, content in (("png", IMAGE), ("cls", b"1"))})


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ({"some/a": 2, "some/b": 2, "other/a": 2, "README.md": DECLARED}, 4),
        ({"data/train-0000.tar": SHARD, "data/train-0001.tar": SHARD}, 6),
        ({"data/train-0000.tar": SHARD, "figure.png": IMAGE}, 3),
        ({"data/train-00000.parquet": TABLE.getvalue(), "a": 9, "b": 9}, 2),
    ],
    ids=["declared files", "WebDataset", "WebDataset with a figure", "Parquet"],
)
def test_repo_of_other_data_is_left_to_datasets(add, monkeypatch, files, rows):
    monkeypatch.setattr(hub_folders, "open_copies", None)
    add(files)
    assert open_images(REPO, "train").total == rows


def test_predict_images_without_labels_of_a_repo(add):
    add({"test": 3})
    assert open_images(REPO).total == 3


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(reset=True), Fault(cut=30)], ids=["503", "reset", "cut"])
def test_repo_copy_repeats_failed_requests(hub, add, fault):
    folder = add({f"{'ab'[i % 2]}/{i:02}.png": image for i, image in enumerate(random_images(30))})
    seen: Counter = Counter()

    def every_third_file_fails_once(method: str, path: str, headers: dict) -> Fault | None:
        seen[path] += path.endswith(".png")
        return fault if seen[path] == 1 and int(path[-6:-4]) % 3 == 0 else None

    hub.fault = every_third_file_fails_once
    assert HubStream(REPO).source.fingerprint == HubStream(folder).source.fingerprint
    assert max(seen.values()) == 2


def test_repo_file_that_cannot_be_fetched_leaves_no_copy(hub, add, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_AHEAD_FILES", 2)
    add({"a": 101, "b": 9})
    hub.fault = lambda method, path, headers: Fault(status=503) if path.endswith("b/005.png") else None
    with pytest.raises(StreamError, match=r"b/005\.png cannot be read: .* run the same command again"):
        HubStream(REPO, http=byte_ranges.HttpOptions(retries=1))
    assert not parquet_files(tmp_path)
    hub.fault = None
    assert HubStream(REPO).rows == 110


def test_repo_copy_killed_is_made_again(add, tmp_path, monkeypatch):
    folder = add({"a": 101, "b": 9})

    def end(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(copies.shutil, "move", end)
        patch.setattr(locks.shutil, "rmtree", lambda *_, **__: None)  # a killed process clears nothing away
        HubStream(REPO)
    (killed,) = parquet_files(tmp_path)
    again = HubStream(REPO)
    assert again.source.fingerprint == HubStream(folder).source.fingerprint and not killed.exists()
