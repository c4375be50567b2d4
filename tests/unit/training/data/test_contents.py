"""What a run learned from is kept, and other data in its folder is refused."""

import io
import pickle
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, Image, Value

from model.errors import CorruptFileError
from tests.support.datasets import random_images, write_dataset
from training.config import DataConfig
from training.data.contents import CONTENTS_FILE, ChangedDataError, Contents, check_same_data
from training.data.splits import open_data

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("data") / "pets"
    return write_dataset(folder, CLASSES, [{"image": random_images(60), "label": [0, 1] * 30}])


def contents_of(dataset: str, **options) -> Contents:
    data = DataConfig(dataset, **options)
    return Contents.of(data, open_data(data))


def refusal(folder: Path, now: Contents) -> str:
    with pytest.raises(ChangedDataError) as caught:
        check_same_data(folder, now)
    return str(caught.value)


@pytest.fixture
def run(tmp_path, dataset) -> Path:
    contents_of(dataset).save(tmp_path / CONTENTS_FILE)
    return tmp_path


def test_contents_saved_and_loaded_are_equal(run, dataset):
    now, kept = contents_of(dataset), Contents.load(run / CONTENTS_FILE)
    assert (kept.train == now.train).all() and (kept.validation == now.validation).all() and kept.about == now.about
    assert not np.isin(kept.train, kept.validation).any() and len(kept.train) + len(kept.validation) < 60
    check_same_data(run, now)


def test_contents_without_scan_hold_no_hashes(tmp_path, dataset):
    contents = contents_of(dataset, no_scan=True)
    contents.save(tmp_path / CONTENTS_FILE)
    assert Contents.load(tmp_path / CONTENTS_FILE).train is None
    check_same_data(tmp_path, contents)


@pytest.mark.parametrize("column", ["label", "image"])
def test_changed_labels_or_images_are_refused_in_one_sentence(run, tmp_path, column):
    # The same folder later: another path would be another dataset.
    folder = write_dataset(
        tmp_path / "pets",
        CLASSES,
        [{"image": random_images(60, seed=int(column == "image")), "label": [0, 1] * 30}],
    )
    if column == "label":
        (path,) = Path(folder).rglob("*.parquet")
        table = pq.read_table(path)
        pq.write_table(table.set_column(1, table.schema.field(1), [1 - table["label"].to_numpy()]), path)
    now = contents_of(folder)
    there = Contents.load(run / CONTENTS_FILE)
    there.about["datasets"][0]["dataset"] = now.about["datasets"][0]["dataset"]
    there.save(run / CONTENTS_FILE)
    message = refusal(run, now)
    assert message.startswith("the labels or images of 'pets' changed since this run (content ")
    images = r"of the images to learn from (\d+) are new and \1 are gone\)"
    same = r"the images to learn from are the same, but not their labels, their order"
    assert re.search(images if column == "image" else same, message)
    assert f"use another --output, or delete {run}" in message and len(message) < 400


def test_other_dataset_is_named(run, tmp_path):
    folder = write_dataset(tmp_path / "birds", CLASSES, [{"image": random_images(60, seed=1), "label": [0, 1] * 30}])
    assert refusal(run, contents_of(folder)).startswith("this folder holds a run on 'pets', not on 'birds'")


def test_same_data_elsewhere_is_the_same_run(run, tmp_path):
    check_same_data(run, contents_of(write_dataset(tmp_path / "moved", CLASSES, [columns_of()])))


def columns_of() -> dict:
    return {"image": random_images(60), "label": [0, 1] * 30}


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({"test_fraction": 0.3}, "--test-fraction 0.1 there, 0.3 now"),
        ({"validation_fraction": 0.3}, "--validation-fraction 0.1 there, 0.3 now"),
        ({"no_scan": True}, "made without --no-scan"),
    ],
)
def test_other_hold_out_is_refused_with_its_option(run, dataset, options, change):
    assert change in refusal(run, contents_of(dataset, **options))


def test_other_classes_name_the_difference_only(run, dataset):
    there = contents_of(dataset)
    about = {**there.about, "datasets": [{**there.about["datasets"][0], "labels": ["cat", "cow"]}]}
    assert "labels of 'pets': 'dog' only there; 'cow' only now" in refusal(run, replace(there, about=about))


def test_damaged_contents_are_an_error(run):
    (run / CONTENTS_FILE).write_bytes(b"nothing")
    with pytest.raises(CorruptFileError, match="is damaged"):
        Contents.load(run / CONTENTS_FILE)


def write_splits(folder: Path, validation: list[int], seed: int = 5) -> str:
    write_dataset(folder, CLASSES, [columns_of()])
    write_dataset(folder, CLASSES, [{"image": random_images(20, seed=seed), "label": validation}], split="validation")
    return str(folder)


@pytest.mark.parametrize(
    ("labels", "seed", "change"),
    [
        ([1, 0] * 10, 5, "the images to learn from are the same, but not their labels"),
        ([0, 1] * 10, 6, "of the images to learn from 20 are new and 20 are gone"),
    ],
)
def test_changed_validation_split_is_refused_and_named(tmp_path, labels, seed, change):
    folder = write_splits(tmp_path / "pets", [0, 1] * 10)
    contents_of(folder).save(tmp_path / CONTENTS_FILE)
    write_splits(tmp_path / "pets", labels, seed)
    message = refusal(tmp_path, contents_of(folder))
    assert message.startswith("the validation rows changed since this run (") and change in message


def test_other_label_column_is_named_instead_of_a_change(tmp_path):
    columns = columns_of() | {"other": ["x", "x", "y"] * 20}
    features = Features(CLASSES | {"other": Value("string")})
    folder = write_dataset(tmp_path / "pets", features, [columns])
    contents_of(folder).save(tmp_path / CONTENTS_FILE)
    message = refusal(tmp_path, contents_of(folder, label_column="other"))
    assert message.startswith("label column of 'pets': 'label' there, 'other' now")


def test_holds_any_compares_by_content(run, dataset):
    contents = Contents.load(run / CONTENTS_FILE)
    assert contents.holds_any(contents.validation[:1]) and contents.holds_any(contents.train[-1:])
    assert not contents.holds_any(np.arange(1, 9, dtype=np.uint64))
    assert not contents_of(dataset, no_scan=True).holds_any(contents.train)


ABOUT = np.frombuffer(b'{"datasets": [], "options": {}, "hold_out": {}}', np.uint8)


def write_compressed(path: Path) -> None:
    np.savez_compressed(path, about=ABOUT, train=np.zeros(10_000_000, np.uint64))


def write_endless(path: Path) -> None:
    """A header that announces more numbers than any machine holds."""
    header = b"{'descr': '<u8', 'fortran_order': False, 'shape': (1000000000000000,)}"
    with zipfile.ZipFile(path, "w") as archive:
        about = io.BytesIO()
        np.save(about, ABOUT)
        archive.writestr("about.npy", about.getvalue())
        archive.writestr("train.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(80))


@pytest.mark.parametrize(
    "write",
    [
        write_compressed,
        write_endless,
        lambda path: np.savez(path, about=ABOUT, train=np.array([{}], object)),
        lambda path: np.savez(path, about=ABOUT, train=np.zeros(3)),
        lambda path: np.savez(path, about=ABOUT, train=np.zeros((3, 3), np.uint64)),
        lambda path: np.savez(path, about=np.frombuffer(b"[]", np.uint8)),
        lambda path: np.savez(path, about=np.frombuffer(b"{}", np.uint8)),
        lambda path: np.savez(path, about=np.frombuffer(b"[" * 100_000, np.uint8)),
        lambda path: path.write_bytes(pickle.dumps(print)),
    ],
    ids=["compressed", "endless", "pickled", "floats", "table", "list", "nothing", "nested", "a pickle"],
)
def test_hostile_contents_are_an_error(tmp_path, write):
    write(tmp_path / CONTENTS_FILE)
    with pytest.raises(CorruptFileError, match="is damaged"):
        Contents.load(tmp_path / CONTENTS_FILE)
