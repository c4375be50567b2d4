"""Labels in metadata.csv and metadata.jsonl."""

import io
import json
import os
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.errors import TrazoError
from tests.support.datasets import random_images
from tests.support.folders import IMAGE, left_out, write_files
from training.data.folders import metadata
from training.data.folders.metadata import decode_text
from training.stream import HubStream

IMAGES = random_images(4)
FILES = {f"{number}.png": image for number, image in enumerate(IMAGES)}
ROWS = [("0.png", "cat"), ("1.png", "dog"), ("2.png", "cat"), ("3.png", "dog")]


def csv_text(rows=ROWS, delimiter=",", header=("file_name", "label")):
    return "".join(delimiter.join(row) + "\n" for row in (header, *rows))


def labels(stream):
    """Return the label of each file."""
    table = stream.sources[0].source.read((0, 1), ["image", stream.label_column])
    paths = [image["path"] for image in table["image"].to_pylist()]
    return dict(zip(paths, table[stream.label_column].to_pylist(), strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_metadata_encodings_and_delimiters_are_read(root, encoding, delimiter):
    text = csv_text([("0.png", "Bär"), ("1.png", "Kätzchen"), ("2.png", "Bär"), ("3.png", "Kätzchen")], delimiter)
    stream = HubStream(write_files(root, {**FILES, "metadata.csv": text.encode(encoding)}))
    assert stream.labels == ("Bär", "Kätzchen") and stream.rows == 4 and left_out(stream) == {}
    assert "labels from metadata.csv" in stream.source.folder.decision


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a/Ärger 1.PNG", "a/ärger 1.png"),
        ("a/Ärger 1.PNG", "./a/A\u0308rger 1.PNG"),
        ("a/Ärger 1.PNG", ".\\a\\Ärger 1.PNG"),
        ("a/Ärger 1.PNG", "C:\\work\\Ärger 1.PNG"),
        ("a/Ärger 1.PNG", "Ärger 1"),
        ("a/Ärger 1.PNG", " /a/Ärger 1.PNG "),
    ],
)
def test_metadata_file_names_in_other_spellings_are_found(root, name, written):
    text = csv_text([*ROWS, (written, "dog")])
    stream = HubStream(write_files(root, {**FILES, name: IMAGE, "metadata.csv": text}))
    assert stream.rows == 5 and labels(stream)[name] == "dog" and left_out(stream) == {}


def test_metadata_column_of_any_name_that_holds_the_file_names_is_found_and_reported(root):
    text = csv_text([("x", *row) for row in ROWS], ";", ("Ort", "Datei", "Klasse"))
    stream = HubStream(write_files(root, {**FILES, "METADATA.CSV": text.encode("cp1252")}), label_column="Klasse")
    assert labels(stream) == dict(ROWS) and left_out(stream) == {}
    assert "column 'Datei' of METADATA.CSV names the images" in stream.source.folder.notes


def test_metadata_column_called_image_that_names_no_file_is_not_taken(root):
    rows = [(str(number), *row) for number, row in enumerate(ROWS, 900)]
    stream = HubStream(
        write_files(root, {**FILES, "metadata.csv": csv_text(rows, header=("image", "source", "label"))})
    )
    assert labels(stream) == dict(ROWS)


def test_metadata_parquet_is_read(root):
    names, values = zip(*ROWS, strict=True)
    columns = {"file_name": names, "label": values, "when": [date(2020, 1, 2)] * 4}
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    stream = HubStream(write_files(root, {**FILES, "metadata.parquet": content.getvalue()}))
    assert labels(stream) == dict(ROWS) and left_out(stream) == {} and stream.features["when"].dtype == "string"


def test_metadata_file_that_cannot_be_read_leaves_the_others_in_use(root):
    files = {**FILES, "metadata.csv": csv_text(), "a/metadata.parquet": b"PAR1 no", "b/metadata.csv": "a,b\n1,2\n"}
    stream = HubStream(write_files(root, files))
    assert labels(stream) == dict(ROWS)
    notes = " ".join(stream.source.folder.notes)
    assert "not used: a/metadata.parquet cannot be read" in notes and "not used: b/metadata.csv has no column" in notes


def test_metadata_quotes_line_breaks_and_excel_are_read(root):
    text = 'sep=;\nfile_name;label;note\n"0.png";"a;""b""";"two\nlines"\n1.png;c;\n\n2.png;c;x\n3.png;c;x\n'
    text = text.replace("\n", "\r\n")
    stream = HubStream(write_files(root, {**FILES, "metadata.csv": text}), label_column="label")
    assert labels(stream) == {"0.png": 'a;"b"', "1.png": "c", "2.png": "c", "3.png": "c"}


def test_metadata_lines_and_files_without_each_other_are_counted_and_named(root):
    text = csv_text([*ROWS[:3], ("gone.png", "cat"), ("0.png", "dog"), ("2.png",)])
    stream = HubStream(write_files(root, {**FILES, "metadata.csv": text}))
    assert stream.rows == 3 and labels(stream)["0.png"] == "cat"
    assert left_out(stream) == {
        "images without a line in the metadata": 1,
        "lines of metadata.csv with more or fewer values than columns": 1,
        "lines of metadata.csv without a file": 1,
        "further lines of metadata.csv about the same file, of which the first is used": 1,
    }
    assert "without a file: 1 (gone.png)" in "".join(stream.source.folder.lines())


def test_metadata_jsonl_is_read(root):
    lines = [{"file_name": name, "label": label == "cat", "boxes": [1]} for name, label in ROWS]
    text = "\n".join([*map(json.dumps, lines), "", "{broken", "[1]"])
    stream = HubStream(write_files(root, {**FILES, "metadata.jsonl": text}))
    assert stream.labels == ("false", "true") and left_out(stream) == {
        "lines of metadata.jsonl that are not a JSON object": 2
    }
    assert "column 'boxes' of the metadata holds lists or objects and is not used" in stream.source.folder.notes


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["0", "1", "10", ""], "int64"),
        (["0.5", "1", "1e-3", "-2"], "float64"),
        (["007", "012", "1", "2"], "string"),
        (["1", "x", "2", "3"], "string"),
        (["99999999999999999999", "1", "2", "3"], "string"),
    ],
)
def test_metadata_columns_get_the_type_of_their_values(root, values, dtype):
    text = csv_text([(f"{number}.png", "ab"[number % 2], value) for number, value in enumerate(values)])
    stream = HubStream(write_files(root, {**FILES, "metadata.csv": text.replace("label", "label,x")}))
    assert stream.features["x"].dtype == dtype and stream.label_column == "label"


@pytest.mark.parametrize(
    ("extra", "value"),
    [
        ('"half \\ud83d of a character"', "half ? of a character"),
        ("1" + "0" * 400 + ", 1.5", None),
        ('"' + "9" * 5000 + '"', "9" * 5000),
    ],
)
def test_metadata_values_that_arrow_or_python_cannot_convert_are_text(root, extra, value):
    first, _, second = extra.partition(", ")
    lines = [f'{{"file_name": "{name}", "label": "{label}", "note": {first}}}' for name, label in ROWS]
    lines[1] = lines[1].replace(first, second or first)
    stream = HubStream(write_files(root, {**FILES, "metadata.jsonl": "\n".join(lines)}), label_column="label")
    notes = stream.sources[0].source.read((0, 1), ["note"])["note"].to_pylist()
    assert set(notes) == {value or str(10**400), *(["1.5"] if second else [])}


def test_metadata_endless_first_line_is_no_metadata(root):
    with pytest.raises(TrazoError, match="no class folders, so there are no labels"):
        HubStream(write_files(root, {**FILES, "metadata.csv": "x" * 200_000 + "\n1\n"}))


def test_metadata_decimal_commas_are_numbers_and_reported(root):
    text = csv_text([(f"{number}.png", f"{number},5") for number in range(4)], ";", ("file_name", "target"))
    stream = HubStream(write_files(root, {**FILES, "metadata.csv": text}))
    assert stream.task == "regression" and next(stream.ordered()).labels.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert "decimal commas" in stream.source.folder.notes[0]


def test_metadata_in_split_folders_belongs_to_each(root):
    files = {f"{split}/{name}": image for split in ("train", "test") for name, image in FILES.items()}
    other = csv_text([(name, "dog" if label == "cat" else "cat") for name, label in ROWS])
    files |= {"train/metadata.csv": csv_text(), "test/metadata.csv": other}
    folder = write_files(root, files)
    train, test = HubStream(folder), HubStream(folder, "test")
    assert train.source.splits == ("train", "test") and train.rows == test.rows == 4
    assert labels(train)["train/0.png"] == "cat" and labels(test)["test/0.png"] == "dog"


def test_metadata_column_split_makes_splits(root):
    rows = [(*row, "train" if number < 3 else "val") for number, row in enumerate(ROWS)]
    folder = write_files(root, {**FILES, "metadata.csv": csv_text(rows, header=("file_name", "label", "split"))})
    stream = HubStream(folder, label_column="label")
    assert stream.rows == 3 and stream.source.splits == ("train", "validation")
    assert "splits from the column split" in stream.source.folder.decision


def test_metadata_line_without_split_is_left_out_and_other_values_are_splits(root):
    rows = [(*row, value) for row, value in zip(ROWS, ("TRAIN", "Train", "", "field"), strict=True)]
    folder = write_files(root, {**FILES, "metadata.csv": csv_text(rows, header=("file_name", "label", "Subset"))})
    stream = HubStream(folder, label_column="label")
    assert stream.rows == 2 and stream.source.splits == ("train", "field")
    assert left_out(stream) == {"images without a value in column Subset of the metadata": 1}


def test_metadata_column_split_without_words_for_splits_is_a_column(root):
    rows = [(*row, "12"[number % 2]) for number, row in enumerate(ROWS)]
    folder = write_files(root, {**FILES, "metadata.csv": csv_text(rows, header=("file_name", "label", "set"))})
    assert HubStream(folder, label_column="label").rows == 4


def test_metadata_labels_instead_of_class_folders_are_reported_and_can_be_overruled(root):
    files = {f"{'ab'[number % 2]}/{number}.png": image for number, image in enumerate(IMAGES)}
    folder = write_files(root, {**files, "metadata.csv": csv_text()})
    stream = HubStream(folder)
    assert stream.labels == ("cat", "dog")
    assert any(
        "the folders are not the classes (a, b); --layout classes" in note for note in stream.source.folder.notes
    )
    assert HubStream(folder, layout="classes").labels == ("a", "b")


def test_metadata_in_two_files_about_the_same_images_is_used_once_and_counted(root):
    lines = "".join(json.dumps({"file_name": name, "label": "x"}) + "\n" for name, _ in ROWS)
    stream = HubStream(write_files(root, {**FILES, "metadata.csv": csv_text(), "metadata.jsonl": lines}))
    assert labels(stream) == dict(ROWS) and "labels from metadata.csv, columns" in stream.source.folder.decision
    assert left_out(stream) == {"lines of metadata.jsonl about a file that another metadata file describes": 4}


def test_metadata_next_to_class_folders_adds_columns(root):
    text = csv_text([("a/0.png", "w1"), ("b/1.png", "w2")], header=("file_name", "writer"))
    files = {f"{'ab'[number % 2]}/{number}.png": image for number, image in enumerate(IMAGES)}
    stream = HubStream(write_files(root, {**files, "metadata.csv": text}))
    assert stream.labels == ("a", "b") and stream.features["writer"].dtype == "string" and stream.rows == 4
    assert "further columns from the metadata: writer" in stream.source.folder.notes[0]


def test_metadata_with_label_overrules_folders_of_parts(root):
    files = {f"0{number % 2}/{number}.png": image for number, image in enumerate(IMAGES)}
    stream = HubStream(write_files(root, {**files, "metadata.csv": csv_text()}))
    assert stream.labels == ("cat", "dog") and labels(stream)["01/3.png"] == "dog"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b\n1,2\n", r"no class folders.*metadata\.csv has no column file_name.*; its columns: a, b"),
        ("", r"no class folders.*metadata\.csv has no lines"),
        ("file_name,label,label\n0.png,a,b\n", "label as the name of several columns"),
        (
            '{"file_name": "0.png", "label": ["a"]}',
            "column 'label' of the metadata holds lists .*metadata.jsonl has no column of labels",
        ),
        (csv_text([("x.png", "a"), ("y.png", "b")]), r"no line of metadata\.csv names an image .* 0\.png"),
        ("file_name\n0.png\n", r"no class folders.*metadata\.csv has no column of labels"),
    ],
)
def test_metadata_without_use_is_error_before_the_copy(root, cache, text, found):
    with pytest.raises(TrazoError, match=found):
        HubStream(write_files(root, {**FILES, f"metadata.{'jsonl' if text[:1] == '{' else 'csv'}": text}))
    assert not cache.exists()


def test_metadata_changed_label_changes_the_fingerprint(root):
    first = HubStream(write_files(root, {**FILES, "metadata.csv": csv_text()})).source.fingerprint
    text = csv_text([("0.png", "dog"), ("1.png", "cat"), *ROWS[2:]])  # of the same size
    assert HubStream(write_files(root, {"metadata.csv": text})).source.fingerprint != first


def test_decode_text_damaged_is_read_all_the_same():
    assert decode_text("ä".encode("cp1252") + b"\x81") == "ä\ufffd" and decode_text(b"") == ""


def test_metadata_number_of_very_many_digits_is_text(root):
    lines = f"file_name,label\n1.png,{'9' * 5000}\n2.png,1\n"
    with pytest.raises(TrazoError, match="a label has 5,000 characters, at most 500"):
        HubStream(write_files(root, {"1.png": IMAGE, "2.png": IMAGE, "metadata.csv": lines}))


def test_metadata_file_too_large_is_refused_before_it_is_read(root):
    write_files(root, {"1.png": IMAGE, "metadata.csv": "file_name,label\n"})
    os.truncate(root / "metadata.csv", 10**12)
    with pytest.raises(TrazoError, match=r"metadata.csv of .* has 1,000,000,000,000 bytes; at most"):
        HubStream(str(root))


@pytest.mark.parametrize(
    "column",
    [
        pa.DictionaryArray.from_arrays(pa.array([0] * 400), [b"0" * 20_000]),  # a text of all rows
        pa.array([np.zeros(1_000_000, np.int8), *[[]] * 399]),  # a list of one row
    ],
    ids=["texts", "lists"],
)
def test_metadata_parquet_that_would_fill_the_memory_is_not_read(root, monkeypatch, column):
    monkeypatch.setattr(metadata, "MAX_METADATA_BYTES", 1 << 22)
    content = io.BytesIO()
    names = [f"{number}.png" for number in range(400)]
    table = pa.table({"file_name": names, "label": ["a", "b"] * 200, "note": column})
    pq.write_table(table, content, compression="zstd")
    assert len(content.getvalue()) < 50_000
    write_files(root, {**dict.fromkeys(names, IMAGE), "metadata.parquet": content.getvalue()})
    with pytest.raises(TrazoError, match=r"not used: metadata.parquet would take 8,\d{3},\d{3} bytes of memory"):
        HubStream(str(root))


def test_metadata_parquet_of_more_rows_than_fit_in_memory_is_not_read(root, monkeypatch):
    monkeypatch.setattr(metadata, "MAX_METADATA_BYTES", 1 << 22)
    content = io.BytesIO()
    numbers = pa.table({"n": np.zeros(1_000_000, np.int8)})  # stored once
    pq.write_table(numbers, content)
    assert len(content.getvalue()) < 50_000
    write_files(root, {"1.png": IMAGE, "metadata.parquet": content.getvalue()})
    with pytest.raises(TrazoError, match="not used: metadata.parquet would take 8,000,000 bytes of memory"):
        HubStream(str(root))
