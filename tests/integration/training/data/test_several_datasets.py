"""Training and evaluation on several datasets."""

import json
from pathlib import Path

import pytest

from tests.conftest import SAMPLE
from tests.support.datasets import write_drawings
from training.cli import main


@pytest.fixture
def drawings(tmp_path) -> str:
    return write_drawings(tmp_path / "drawings")


def test_train_several_datasets_names_each(drawings, tmp_path, capsys, tiny_fast_preset):
    run = tmp_path / "run"
    options = ["--preset", "fast", "--epochs", "1", "--steps-per-epoch", "3"]
    drawn = ["--sketches", drawings, "--group-column", "writer"]
    assert main(["train", "--dataset", SAMPLE, *drawn, "--output", str(run), *options]) == 0
    report = json.loads((run / "training.json").read_text())["data"]
    assert [(one["dataset"], one["sketches"]) for one in report["datasets"]] == [(SAMPLE, False), (drawings, True)]
    assert (
        report["datasets"][0]["license"] == "mit"
        and "(A small balanced sample of MNIST; mit)" in (run / "README.md").read_text()
    )
    # The drawings have no test split: a tenth of the writers is held out for one.
    assert 3500 < report["rows"]["train"] + report["rows"]["validation"] < 3560
    card = (run / "README.md").read_text()
    assert "`sample`" in card and Path(drawings).name in card and "free drawings" in card and drawings not in card
    assert main(["evaluate", "--model", str(run), *drawn]) == 0
    assert "held out by writer" in json.loads((run / "evaluation.json").read_text())["split"]
    assert main(["evaluate", "--model", str(run), "--dataset", SAMPLE, *drawn]) == 0
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert (evaluation["dataset"], evaluation["split"], evaluation["rows"]) == (SAMPLE, "test", 1000)
    (extra,) = evaluation["extra_datasets"]
    assert extra["dataset"] == drawings and extra["sketches"] and "held out by writer" in extra["split"]
    assert 0 <= extra["ood"]["rejected"] <= 1 and len(extra["per_class"]) == 10
    card = (run / "README.md").read_text()
    assert (
        f"| `{Path(drawings).name}`, train, 10% held out by writer (free drawings) |" in card and drawings not in card
    )
    assert main(["train", "--dataset", SAMPLE, "--group-column", "wirter", "--output", str(run)]) == 2
    assert "no dataset has a column 'wirter'; there are image, label" in capsys.readouterr().err
    assert main(["train", "--output", str(run)]) == 2
    assert "a dataset is needed: give --dataset" in capsys.readouterr().err
