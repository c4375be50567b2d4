"""`predict` from the command line, with the bundled model."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from model import CnnModel
from tests.conftest import ROOT, SAMPLE
from training.cli import main
from training.prediction import predict as steps

MODEL = str(ROOT / "model" / "pretrained")
FILES = [row["bytes"] for row in pq.read_table(next(Path(SAMPLE).rglob("test-*.parquet")))["image"][:20].to_pylist()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Twenty digits and a damaged file."""
    root = tmp_path_factory.mktemp("digits")
    for number, content in enumerate(FILES):
        (root / f"{number:02}.png").write_bytes(content)
    (root / "damaged.png").write_bytes(FILES[0][:70])
    return root


def answers(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_predict_folder_gives_the_answers_of_the_model(folder, tmp_path, capsys):
    output = tmp_path / "new" / "answers.csv"
    assert main(["predict", "--model", MODEL, str(folder), "--output", str(output), "--probabilities"]) == 0
    *rows, damaged = answers(output)
    cnn = CnnModel.from_pretrained()
    predicted, ood = cnn.predict_and_reject(FILES)
    assert [row["label"] for row in rows] == [cnn.config.labels[best] for best in predicted.argmax(axis=1)]
    assert [row["rejected"] == "true" for row in rows] == ood.rejected.tolist()
    given = [[float(row[f"probability of {label}"]) for label in cnn.config.labels] for row in rows]
    assert np.allclose(given, predicted, atol=1e-4)
    assert damaged["file"] == "damaged.png" and damaged["label"] == "" and "truncated" in damaged["error"]
    assert "21 images, 1 unreadable" in capsys.readouterr().out


def test_predict_averaged_over_views_writes_their_mean(folder, tmp_path, capsys):
    output = tmp_path / "answers.csv"
    command = ["predict", "--model", MODEL, str(folder), "--output", str(output), "--average-views", "mirror"]
    assert main([*command, "--probabilities"]) == 0
    assert "did not learn from mirrored images" in capsys.readouterr().out
    cnn = CnnModel.from_pretrained()
    expected, _ = cnn.predict_and_reject(FILES, "mirror")
    given = [[float(row[f"probability of {label}"]) for label in cnn.config.labels] for row in answers(output)[:-1]]
    assert np.allclose(given, expected, atol=1e-4) and not np.allclose(given, cnn.predict(FILES), atol=1e-2)


def test_predict_interrupted_continues_to_the_same_file(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(steps, "BATCH_ROWS", 8)
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    arguments = ["predict", "--model", MODEL, str(folder), "--sketches", "--output"]
    assert main([*arguments, str(whole)]) == 0
    count = steps._Summary.count
    with monkeypatch.context() as patch:
        batches = iter([None])

        def stop(summary, rows):
            count(summary, rows)
            if next(batches, "end") == "end":
                raise KeyboardInterrupt

        patch.setattr(steps._Summary, "count", stop)
        assert main([*arguments, str(killed)]) == 130
    assert not killed.exists()
    for others in ([], ["--sketches", "--average-views", "mirror"]):
        assert main([arguments[0], "--model", MODEL, str(folder), "--output", str(killed), *others]) == 2
        assert "killed.jsonl.partial was started for other options" in capsys.readouterr().err
    assert main([*arguments, str(killed)]) == 0
    printed = capsys.readouterr().out
    assert "16 of 21 images are answered already" in printed
    assert ": 5 images" in printed and "; and 16 images before" in printed  # what is counted is said
    assert killed.read_bytes() == whole.read_bytes()
    assert len(list(map(json.loads, killed.read_text(encoding="utf-8").splitlines()))) == 21


def test_predict_killed_before_the_last_step_repeats_no_row(tmp_path, monkeypatch):
    """Of a dataset whose rows do not fill the last batch: all rows are written, and the file has no name yet."""
    output = tmp_path / "a.csv"
    arguments = ["predict", "--model", MODEL, SAMPLE, "--output", str(output)]
    with monkeypatch.context() as patch:
        patch.setattr(steps.AnswerFile, "finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(arguments) == 130
    assert main(arguments) == 0
    assert [row["row"] for row in answers(output)] == [str(number) for number in range(1000)]


def test_predict_rows_of_a_dataset_are_called_by_their_numbers(tmp_path):
    assert main(["predict", "--model", MODEL, SAMPLE, "--output", str(tmp_path / "a.csv")]) == 0
    rows = answers(tmp_path / "a.csv")
    assert [row["row"] for row in rows] == [str(number) for number in range(1000)]
    labels = pq.read_table(next(Path(SAMPLE).rglob("test-*.parquet")))["label"].to_pylist()
    assert np.mean([row["label"] == str(label) for row, label in zip(rows, labels, strict=True)]) > 0.95


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--output", "a.csv"], "for 'nowhere' (OfflineModeIsEnabled), which is neither a folder here"),
        ([SAMPLE, "--output", "a.txt"], "--output ends in .csv or .jsonl"),
        ([SAMPLE, "--output", "a.csv", "--split", "dev"], "no split 'dev'; it has train, test"),
        ([SAMPLE, "--output", "a.csv", "--image-column", "digit"], "no image column 'digit'"),
    ],
)
def test_predict_user_error_is_one_line_and_writes_nothing(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["predict", "--model", MODEL, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not list(tmp_path.iterdir())
