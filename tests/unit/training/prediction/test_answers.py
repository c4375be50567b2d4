"""Files of answers: formats, and continuing after a kill."""

import csv
import json

import pytest

from model.errors import TrazoError
from training.prediction.answers import AnswerFile, check_answer_path

COLUMNS = ("file", "label", "confidence", "rejected", "error")
ROWS = [
    {"file": "a.png", "label": "cat", "confidence": 0.25, "rejected": False},
    {"file": 'sub/b, "c"\n.png', "label": "é", "confidence": 1.0, "rejected": True},
    {"file": "d.png", "error": "an empty file"},
]
IDENTITY = {"weights": "w", "images": {"files": "f"}}


def write(path, rows, identity=IDENTITY) -> None:
    with AnswerFile(path, COLUMNS, identity) as file:
        for row in rows[file.rows :]:
            file.add([row])
        file.finish()


def test_answer_file_csv_is_read_back_by_other_readers(tmp_path):
    write(tmp_path / "a.csv", ROWS)
    content = (tmp_path / "a.csv").read_bytes()
    assert content.startswith(b"file,label,confidence,rejected,error\r\na.png,cat,0.25,false,\r\n")
    rows = list(csv.reader(content.decode().splitlines(keepends=True)))
    assert rows[2:] == [[ROWS[1]["file"], "é", "1", "true", ""], ["d.png", "", "", "", "an empty file"]]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_answer_file_text_that_looks_like_a_formula_is_escaped(tmp_path, start):
    write(tmp_path / "a.csv", [{"file": f"{start}1", "label": f"{start}2", "confidence": -1.5, "rejected": False}])
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        row = list(csv.reader(file))[1]
    assert row[:3] == [f"'{start}1", f"'{start}2", "-1.5"]


def test_answer_file_jsonl_has_the_values_themselves(tmp_path):
    write(tmp_path / "a.jsonl", [*ROWS, {"file": "=1", "confidence": float("nan")}])
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert list(map(json.loads, lines)) == [*ROWS, {"file": "=1", "confidence": None}]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("complete", [0, 1, 2, 3])
def test_answer_file_killed_at_any_batch_continues_to_the_same_bytes(tmp_path, ending, complete):
    whole, killed = tmp_path / f"whole.{ending}", tmp_path / f"killed.{ending}"
    write(whole, ROWS)
    with AnswerFile(killed, COLUMNS, IDENTITY) as file:
        for row in ROWS[:complete]:
            file.add([row])
        file._append("half of a li")  # no progress was written for it
    assert not killed.exists()
    with AnswerFile(killed, COLUMNS, IDENTITY) as file:
        assert file.rows == complete
    (tmp_path / f".{killed.name}.progress.1234.tmp").touch()  # it was killed while it wrote its progress
    write(killed, ROWS)
    assert killed.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((whole.name, killed.name))


def test_answer_file_partial_shorter_than_its_progress_starts_again(tmp_path):
    with AnswerFile(tmp_path / "a.csv", COLUMNS, IDENTITY) as file:
        file.add(ROWS)
    (tmp_path / "a.csv.partial").write_bytes(b"file,")
    with AnswerFile(tmp_path / "a.csv", COLUMNS, IDENTITY) as file:
        assert file.rows == 0


@pytest.mark.parametrize("progress", ["", "[1]", "5", '{"rows": 3}', '{"identity": [], "rows": 3, "bytes": 9}'])
def test_answer_file_damaged_progress_starts_again(tmp_path, progress):
    with AnswerFile(tmp_path / "a.csv", COLUMNS, IDENTITY) as file:
        file.add(ROWS)
    (tmp_path / "a.csv.progress").write_text(progress)
    with AnswerFile(tmp_path / "a.csv", COLUMNS, IDENTITY) as file:
        assert file.rows == 0


def test_check_answer_path_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TrazoError, match="the folder of --output is .*, but .*file is a file"):
        check_answer_path(tmp_path / "file" / "a.csv")


@pytest.mark.parametrize("changed", ["weights", "images"])
def test_answer_file_for_another_model_or_data_is_not_continued(tmp_path, changed):
    with AnswerFile(tmp_path / "a.csv", COLUMNS, IDENTITY) as file:
        file.add(ROWS)
    with pytest.raises(TrazoError, match=f"a.csv.partial was started for other {changed}: delete it"):
        AnswerFile(tmp_path / "a.csv", COLUMNS, IDENTITY | {changed: "other"})


def test_answer_file_finished_or_of_another_kind_is_refused(tmp_path):
    write(tmp_path / "a.csv", ROWS)
    with pytest.raises(TrazoError, match="exists: delete it"):
        AnswerFile(tmp_path / "a.csv", COLUMNS, IDENTITY)
    with pytest.raises(TrazoError, match=r"--output ends in .csv or .jsonl, not '.xls'"):
        AnswerFile(tmp_path / "a.xls", COLUMNS, IDENTITY)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("  =1+1", "'  =1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),  # as Japanese keyboards write it
        ("cat;=1+1", "cat;'=1+1"),  # a semicolon begins the next cell where a comma is a decimal point
        ("cat; @SUM(1)", "cat; '@SUM(1)"),
        ("cat\t=1", "cat\t'=1"),
        ("cat\n=1", "cat\n'=1"),
        ("cat-dog; ok, 3 = 3", "cat-dog; ok, 3 = 3"),
    ],
)
def test_answer_file_formula_anywhere_in_a_line_is_none(tmp_path, text, written):
    write(tmp_path / "a.csv", [{"file": text, "label": "a", "confidence": 0.5, "rejected": False}])
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1][0] == written
