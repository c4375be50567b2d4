"""trials.json as a table, and what is written into it."""

import csv
import io
import json
import traceback
from types import SimpleNamespace

import keras
import keras_tuner
import numpy as np
import pytest

from model.errors import TrazoError
from model.io.reports.trials import Trial, TrialsReport
from tests.conftest import SAMPLE
from tests.support.trials import trial_row, trials_report
from training.cli import main
from training.tuning.search_space import SearchSpace
from training.tuning.trials_report import (
    MAX_REASON_CHARS,
    best_trial_id,
    failure_reason,
    format_csv,
    format_leaderboard,
    make_parameters,
)

ROWS = [
    trial_row(0, 0.5, blocks=2, optimizer="sgd", dropout=0.2),
    trial_row(1, None, "the loss is no longer finite, in epoch 1", blocks=2, optimizer="adam", dropout=0.2),
    trial_row(2, 0.75, blocks=3, optimizer="adam", dropout=0.2, l1=1.25e-6),
]


def parse(report: dict) -> TrialsReport:
    return TrialsReport.parse(report, "trials.json")


def test_leaderboard_is_best_first_and_lists_shared_values_once():
    lines = format_leaderboard(parse(trials_report(ROWS))).splitlines()
    assert [line.split()[0] for line in lines] == ["trial", "2", "0", "1", "all:"]
    assert lines[1].endswith("blocks=3  optimizer=adam  l1=1.25e-06") and "1,234" in lines[1]
    assert lines[3].endswith("the loss is no longer finite, in epoch 1")
    assert lines[4] == "all: dropout=0.2"
    least = format_leaderboard(parse(trials_report(ROWS, "min")), limit=1).splitlines()
    assert least[1].startswith("0 ") and least[-1] == "2 more"


def test_leaderboard_stopped_trial_shows_after_how_many_epochs():
    rows = [trial_row(0, 0.5, blocks=2), trial_row(1, 0.4, blocks=1) | {"stopped": "stopped after epoch 1 of 9: …"}]
    lines = format_leaderboard(parse(trials_report(rows))).splitlines()
    assert lines[1].split()[:2] == ["0", "COMPLETED"] and lines[2].split()[:4] == ["1", "stopped", "after", "1"]


def test_csv_has_one_column_per_hyperparameter():
    table = list(csv.DictReader(io.StringIO(format_csv(parse(trials_report(ROWS))))))
    assert [line["trial_id"] for line in table] == ["0", "1", "2"]
    assert [line["l1"] for line in table] == ["", "", "1.25e-06"]
    assert [line["score"] for line in table] == ["0.5", "", "0.75"] and table[1]["epochs"] == "0"
    assert table[1]["reason"] == "the loss is no longer finite, in epoch 1"


@pytest.mark.parametrize(("direction", "best"), [("max", "2"), ("min", "0")])
def test_best_trial_of_equal_ones_is_the_first(direction, best):
    trials = [Trial(**row) for row in [*ROWS, trial_row(3, 0.75), trial_row(4, 0.5)]]
    assert best_trial_id(trials, direction) == best
    assert best_trial_id([], direction) is None


def test_make_parameters_have_conditions():
    base = {"task": "multiclass", "labels": ("a", "b", "c"), "image_shape": (8, 8, 1)}
    hp = keras_tuner.HyperParameters()
    hp.values = {"regularization": "l1", "optimizer": "lion"}
    SearchSpace(base).point(hp)
    space = {parameter.name: parameter.to_dict() for parameter in make_parameters(hp)}
    assert json.loads(json.dumps(space)) == space
    assert space["blocks"] == {"name": "blocks", "values": [1, 2, 3], "default": 3, "when": {}}
    assert space["l1"]["when"] == {"regularization": ["l1", "elastic net"]}
    rate = space["learning_rate_lion"]
    assert rate == {
        **{"name": "learning_rate_lion", "low": 3e-5, "high": 1e-3, "scale": "log", "default": 3e-4},
        "when": {"optimizer": ["lion"]},
    }


def test_failure_reason_is_error_in_one_line():
    def reason(fail) -> str:
        try:
            fail()
        except Exception:
            return failure_reason(SimpleNamespace(message=traceback.format_exc()))

    def own_error():
        raise TrazoError("unknown activation 'mish'")

    def without_words():
        raise MemoryError

    narrow = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    assert reason(own_error) == "unknown activation 'mish'"
    assert reason(without_words) == "MemoryError"
    keras_reason = reason(lambda: narrow(np.zeros((2, 5))))  # over several lines, the middle one in bold
    assert keras_reason.startswith("ValueError: ") and "expected axis -1 of input shape to have value 4" in keras_reason
    assert keras_reason.isprintable() and len(keras_reason) <= MAX_REASON_CHARS
    assert failure_reason(SimpleNamespace(message=None)) is None


def test_trials_command_prints_table_and_names_what_is_missing(tmp_path, capsys):
    assert main(["trials", str(tmp_path)]) == 2
    assert f"it comes from `python -m training tune --output {tmp_path}" in capsys.readouterr().err
    (tmp_path / "trials.json").write_text(json.dumps(trials_report(ROWS)))
    assert main(["trials", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == format_leaderboard(parse(trials_report(ROWS)))
    assert main(["trials", str(tmp_path), "--csv"]) == 0
    assert capsys.readouterr().out == format_csv(parse(trials_report(ROWS)))
    (tmp_path / "trials.json").write_text(json.dumps(trials_report(ROWS) | {"schema_version": 1}))
    assert main(["trials", str(tmp_path)]) == 2
    assert "schema_version 1; this Trazo reads 2" in capsys.readouterr().err
    assert main(["train", "--dataset", SAMPLE, "--output", str(tmp_path)]) == 2
    assert "schema_version 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage", [{"objective": {}}, {"objective": None}, {"trials": [{}]}, {"trials": None}, {"trials": [[]]}]
)
def test_trials_command_file_without_needed_fields_is_damaged(tmp_path, capsys, damage):
    (tmp_path / "trials.json").write_text(json.dumps(trials_report(ROWS) | damage))
    assert main(["trials", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"trazo: {tmp_path}/trials.json ") and f"`{next(iter(damage))}" in error
    assert error.endswith(": delete it and run the command that wrote it again\n") and error.count("\n") == 1
