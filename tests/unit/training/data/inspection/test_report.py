"""data.json: what is found in small datasets, and what a run keeps of it."""

import json

import numpy as np
import PIL.Image
import pytest
from datasets import ClassLabel, Features, Image, Value

from model.artifacts import DATA_FILE
from model.errors import TrazoError
from model.io.reports import redact_local_paths
from model.io.reports.inspection import DataReport, DatasetContents
from tests.support.datasets import random_images, write_dataset
from tests.support.images import encode_image
from tests.unit.training.data.inspection.conftest import MARKUP
from training.cli import main
from training.config import DataConfig
from training.data.inspection.report import inspect_dataset, inspect_run, keep_report
from training.data.inspection.text import format_report
from training.data.splits import open_data

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})


def inspect(dataset: str, **options) -> tuple[DataReport, DatasetContents]:
    report = inspect_dataset(DataConfig(dataset, **options)).report
    return report, report.datasets[0]


def counts(classes) -> dict[str, int]:
    return {one.name: one.rows for one in classes}


def test_inspect_letters_duplicates_conflicts_and_overlaps_are_counted(letters):
    report, found = inspect(letters)
    train, test = found.splits
    assert (train.split, train.rows, train.usable, test.rows) == ("train", 60, 60, 12)
    assert counts(train.classes) == {"A": 21, "B": 20, "C": 19}
    assert train.images.colors == {"gray": 60} and train.images.formats == {"PNG": 60}
    assert (train.duplicates.images, train.duplicates.rows) == (2, 4)
    assert train.duplicates.examples[0].rows == ["row 1", "row 7"]
    (conflict,) = train.conflicts.examples
    assert (conflict.rows, conflict.labels) == (["row 2", "row 8"], ["C", "A"])
    (overlap,) = found.overlaps
    assert (overlap.first, overlap.second, overlap.images, overlap.rows) == ("train", "test", 1, 2)
    assert overlap.share == pytest.approx(2 / 12) and overlap.conflicts == 1  # row 3 is an A, test row 1 a B
    assert overlap.examples[0].rows == ["train row 3", "test row 0"]
    assert any("equal" not in one and "1 image with different labels, in 2 rows" in one for one in report.warnings)


def test_inspect_letters_remarkable_columns_are_noted(letters):
    notes = {column.name: column.note for column in inspect(letters)[1].columns}
    assert notes["image"] is None and notes["label"] is None
    assert notes["id"] == "another value in each row" and notes["font"] == "the same value in each row"
    assert notes["name"] == "says the same as the label column"
    assert "each of its 15 values belongs to one class only" in notes["source"]
    assert "hold them out together with --group-column writer" in notes["writer"]


def test_inspect_second_label_column_is_noted(tmp_path):
    kinds = {
        "label": ClassLabel(names=["a", "b"]),
        "coarse": ClassLabel(names=["x", "y", "z"]),
        "weight": Value("float32"),
    }
    columns = {
        "image": random_images(30),
        "label": [0, 1] * 15,
        "coarse": [0, 1, 2] * 10,
        "weight": [n / 7 for n in range(30)],
    }
    folder = write_dataset(tmp_path, Features({"image": Image(), **kinds}), [columns])
    notes = {one.name: one.note for one in inspect(folder, label_column="label")[1].columns}
    assert "may be the label, too: 3 different values; choose with --label-column coarse" in notes["coarse"]
    assert notes["weight"] is None  # measured values differ in each row


def test_inspect_photographs_input_follows_from_most_and_the_share_that_differs(photographs):
    report, found = inspect(photographs)
    chosen = report.plan.input
    assert (chosen.width, chosen.height, chosen.color) == (24, 32, True)
    assert (chosen.other_size, chosen.other_color) == (pytest.approx(16 / 60), pytest.approx(4 / 60))
    images = found.splits[0].images
    assert [(one.width, one.height, one.images) for one in images.sizes] == [(24, 32, 44), (16, 16, 16)]
    assert images.colors == {"color": 56, "gray": 4} and images.widths == [16, 24]


def test_inspect_one_split_parts_hold_every_row_and_class(photographs):
    plan = inspect(photographs)[0].plan
    assert [part.name for part in plan.parts] == ["training", "validation", "test"]
    assert sum(part.rows for part in plan.parts) == 60
    assert all(
        set(counts(part.classes)) == {"plane", "car"} and min(counts(part.classes).values()) for part in plan.parts
    )
    assert plan.parts[2].source == "held out of split train by content" and plan.overlaps == []
    assert plan.batches == 1 and {one.preset for one in plan.estimates} == {"fast", "default", "photo"}
    assert plan.preset == "photo" and "of the images are in color" in plan.preset_reason


def test_inspect_messy_folder_names_what_is_left_out(messy):
    report, found = inspect(messy)
    left_out = {one.reason: one.count for one in found.files.left_out}
    assert left_out[".txt files"] == left_out[".xml files"] == left_out[".psd files"] == 1
    train = found.splits[0]
    assert (train.rows, train.usable) == (67, 65)
    named = sorted(name.split("/")[-1] for one in train.left_out for name in one.examples)
    assert named == ["broken.png)", "page.png)"]
    assert train.near_constant.count == 3 and "blank0.png" in train.near_constant.examples[0]
    assert train.conflicts.examples[0].labels == [MARKUP, "dog"]
    assert found.overlaps[0].rows == 1
    assert not any("same.png" in one or "broken" in one for one in report.warnings)  # they are published


def test_inspect_split_without_labels_is_a_problem_not_an_error(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    write_dataset(tmp_path, features, [{"image": random_images(40), "label": [0, 1] * 20}])
    write_dataset(tmp_path, features, [{"image": random_images(9, seed=1), "label": [-1] * 9}], split="test")
    report, found = inspect(str(tmp_path))
    assert "has no labels" in found.splits[1].problem and found.splits[1].rows == 9
    assert any(one.startswith("split test cannot be used") for one in report.warnings)
    with pytest.raises(TrazoError, match="has no labels"):  # of a run that would measure on it
        data = DataConfig(str(tmp_path))
        inspect_run(data, open_data(data), with_test=True)


def test_inspect_regression_reports_targets_instead_of_classes(tmp_path):
    features = Features({"image": Image(), "target": Value("float64")})
    folder = write_dataset(tmp_path, features, [{"image": random_images(40), "target": [n / 2 for n in range(40)]}])
    report, found = inspect(folder)
    assert report.plan.task == "regression" and found.splits[0].classes == [] and report.plan.imbalance is None
    assert (found.splits[0].targets.low, found.splits[0].targets.high) == (0, 19.5)


def test_inspect_parts_count_usable_rows_alone(tmp_path):
    labels = [0, 1] * 10
    write_dataset(tmp_path, CLASSES, [{"image": random_images(20), "label": labels}])
    folder = write_dataset(
        tmp_path, CLASSES, [{"image": random_images(9, seed=1), "label": [0, 1] * 4 + [None]}], split="test"
    )
    report, found = inspect(folder)
    assert (found.splits[1].rows, found.splits[1].usable) == (9, 8)
    assert [(part.name, part.rows) for part in report.plan.parts][-1] == ("test", 8)
    assert all(part.rows == sum(one.rows for one in part.classes) for part in report.plan.parts)


def test_inspect_imbalance_and_small_classes_are_warned_about(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["ok", "defect"])})
    columns = {"image": random_images(200), "label": [0] * 190 + [1] * 10}
    report, _ = inspect(write_dataset(tmp_path, features, [columns]))
    assert report.plan.imbalance > 10
    assert any("times the training rows of the smallest" in one for one in report.warnings)
    assert any(one.startswith("few training rows: defect") for one in report.warnings)


def test_inspect_is_a_pure_function_of_the_data(letters):
    assert inspect(letters)[0] == inspect(letters)[0]


def test_keep_report_keeps_what_a_run_found_about_the_test_rows(letters, tmp_path):
    data, path = DataConfig(letters), tmp_path / "run" / DATA_FILE
    opened = open_data(data)
    with_test = inspect_run(data, opened, with_test=True)
    assert [part.name for part in with_test.plan.parts] == ["training", "validation", "test"]
    assert keep_report(with_test, path) == with_test
    written = path.read_bytes()
    assert keep_report(inspect_run(data, opened), path) == with_test and path.read_bytes() == written
    other = DataConfig(letters, validation_fraction=0.3)
    assert len(keep_report(inspect_run(other, open_data(other)), path).plan.parts) == 2
    assert path.read_bytes() != written


def test_inspect_run_without_a_scan_reports_it(letters):
    data = DataConfig(letters, no_scan=True)
    report = inspect_run(data, open_data(data), with_test=True)
    assert not report.scanned and "the rows were not scanned" in report.warnings[0]
    assert [part.rows for part in report.plan.parts][2] == 12 and report.datasets[0].splits[0].classes == []


def test_redact_local_paths_names_no_file_of_a_folder(messy):
    report, _ = inspect(messy)
    published = redact_local_paths(json.loads(json.dumps(report.to_dict())))
    text = json.dumps(published)
    assert "same.png" not in text and "notes.txt" not in text and messy not in text
    assert published["datasets"][0]["dataset"] == "messy"
    assert DataReport.parse(published, DATA_FILE).datasets[0].splits[0].conflicts.rows == 2


def test_inspect_classes_of_another_split_that_are_not_trained_on_are_named(tmp_path):
    features = Features({"image": Image(), "label": Value("string")})
    write_dataset(tmp_path, features, [{"image": random_images(60), "label": ["x", "y"] * 30}])
    write_dataset(tmp_path, features, [{"image": random_images(9, seed=1), "label": ["x", "z", "z"] * 3}], split="test")
    report, found = inspect(str(tmp_path))
    test = found.splits[1]
    assert test.other_classes == ["z"] and (test.rows, test.usable) == (9, 3)
    assert test.left_out[0].reason == "no label, or a class that is not trained on"
    assert {"split test has classes that are not trained on: z", "no test row is of class y"} <= set(report.warnings)


def test_inspect_split_named_validation_is_used_and_declared_classes_without_rows_named_once(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b", "never"])})
    for seed, (split, rows) in enumerate({"train": 60, "validation": 10, "test": 10}.items()):
        columns = {"image": random_images(rows, seed=seed), "label": [0, 1] * (rows // 2)}
        write_dataset(tmp_path, features, [columns], split=split)
    plan = (report := inspect(str(tmp_path))[0]).plan
    assert [part.source for part in plan.parts] == ["split train", "split validation", "split test"]
    assert [part.rows for part in plan.parts] == [60, 10, 10] and plan.overlaps == []
    assert [one for one in report.warnings if "never" in one] == ["no row at all is of class never"]


def test_inspect_part_of_the_data_counts_only_its_rows(letters):
    report, found = inspect(letters, classes=("C", "A"), max_rows=30)
    assert list(counts(found.splits[0].classes)) == ["C", "A"] and found.splits[0].rows == 30
    assert report.plan.classes == 2 and sum(part.rows for part in report.plan.parts[:2]) == 30


def test_inspect_run_of_several_datasets_compares_all_of_them(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    images = random_images(80)
    for name, rows in (("one", images[:40]), ("two", images[20:60])):
        write_dataset(tmp_path / name, features, [{"image": rows, "label": [0, 1] * 20}])
    write_dataset(tmp_path / "one", features, [{"image": images[50:52], "label": [0, 0]}], split="test")
    write_dataset(tmp_path / "two", features, [{"image": images[70:72], "label": [0, 1]}], split="test")
    data = DataConfig(str(tmp_path / "one"), extra_datasets=(str(tmp_path / "two"),))
    report = inspect_run(data, open_data(data), with_test=True)
    assert [one.splits[0].rows for one in report.datasets] == [40, 40]
    assert [part.rows for part in report.plan.parts][2] == 4
    found = [one for one in report.plan.overlaps if one.second == "test"]  # images 50 and 51 are in "two", too
    assert sum(one.rows for one in found) == 2 and sum(one.conflicts for one in found) == 1
    assert found[0].examples[0].rows[1].startswith("one, test row ")


def test_inspect_says_what_is_not_certain_about_the_labels(tmp_path):
    features = Features({"image": Image(), "label": Value("int64")})
    folder = write_dataset(tmp_path, features, [{"image": random_images(30), "label": [0, 1, -1] * 10}])
    report, found = inspect(folder)
    assert "they are taken as classes; --task regression" in found.notes[0] and "'-1' is a class" in found.notes[1]
    assert "'-1' is a class" in " ".join(format_report(report).split())


def test_inspect_column_that_names_splits_is_noted(tmp_path):
    features = Features({"image": Image(), "label": Value("string"), "Split": Value("string"), "set": Value("string")})
    columns = {"label": ["a", "b"] * 15, "Split": ["train", "train", "test"] * 10, "set": ["1", "2", "3"] * 10}
    folder = write_dataset(tmp_path, features, [{"image": random_images(30), **columns}])
    report, found = inspect(folder)
    notes = {one.name: one.note for one in found.columns}
    assert notes["Split"] == "may name splits (test, train), but all rows of split train are used alike"
    assert "may name" not in (notes["set"] or "") and any("Split: may name" in one for one in report.warnings)


def test_keep_report_of_the_same_content_names_the_place_of_today(tmp_path):
    columns = {"image": random_images(30), "label": [0, 1] * 15}
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    reports = []
    for name in ("before", "moved"):
        data = DataConfig(write_dataset(tmp_path / name, features, [columns]))
        reports.append(inspect_run(data, open_data(data), with_test=name == "before"))
    kept = [keep_report(one, tmp_path / DATA_FILE) for one in reports][-1]
    assert kept.datasets[0].dataset == str(tmp_path / "moved") and len(kept.plan.parts) == 3
    assert DataReport.read(tmp_path / DATA_FILE) == kept


def test_inspect_refused_dataset_is_described_before_the_error(tmp_path, capsys):
    images = [*random_images(30), {"bytes": b"scribble", "path": None}]
    columns = {"image": images, "label": [0] * 28 + [1] * 3}
    folder = write_dataset(tmp_path, Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])}), [columns])
    assert main(["inspect", folder]) == 2
    captured = capsys.readouterr()
    assert "Split train: 31 rows, 30 of them can be used" in captured.out and "cat 28, dog 2" in captured.out
    assert "class 'dog' has 2 different images" in captured.err.splitlines()[-1]
    assert main(["inspect", folder, "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_inspect_targets_that_training_refuses_are_refused(tmp_path):
    columns = {"image": random_images(30), "label": [1.5] * 30}
    folder = write_dataset(tmp_path, Features({"image": Image(), "label": Value("float32")}), [columns])
    with pytest.raises(TrazoError, match="targets in 'label' are 1.5: there is nothing to learn"):
        inspect(folder, task="regression")


def test_inspect_reasons_that_differ_in_a_number_alone_are_one(tmp_path):
    """Each image has another largest value: 20 reasons would hide what else is left out."""
    broken = [encode_image(PIL.Image.fromarray(np.full((4, 4), 100_000 + n, np.int32)), "TIFF") for n in range(20)]
    columns = {"image": [*random_images(60), *broken], "label": [0, 1] * 40}
    folder = write_dataset(tmp_path, Features({"image": Image(), "label": ClassLabel(names=["a", "b"])}), [columns])
    (lost,) = inspect(folder)[1].splits[0].left_out
    assert lost.count == 20 and lost.reason.startswith("pixels lie between 100000 and 100000")
