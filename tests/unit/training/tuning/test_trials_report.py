import csv
import io
import json
import subprocess
import sys
import traceback
from types import SimpleNamespace

import keras
import keras_tuner
import numpy as np
import pytest

from model.errors import TrazoError
from tests.conftest import ROOT, SAMPLE
from training.cli import main
from training.config import TrainConfig
from training.tuning import trials_report as trials
from training.tuning.search_space import SearchSpace, best_hyperparameters


def row(number: int, score: float | None = 0.9, reason: str | None = None, **hyperparameters) -> dict:
    history = [{"epoch": 1, "val_accuracy": score}] if score is not None else []
    return {
        "trial_id": str(number),
        "status": "COMPLETED" if score is not None else "FAILED",
        "reason": reason,
        "hyperparameters": hyperparameters,
        "score": score,
        "history": history,
        "parameters": 1234,
        "started": "2026-01-01T00:00:00Z",
        "ended": "2026-01-01T00:01:00Z",
        "seconds": 60.0,
        "seed": 0,
    }


def report_of(rows: list[dict], direction: str = "max") -> dict:
    return {
        "schema_version": trials.SCHEMA_VERSION,
        "objective": {"name": "val_accuracy", "direction": direction},
        "trials": rows,
    }


ROWS = [
    row(0, 0.5, blocks=2, optimizer="sgd", dropout=0.2),
    row(1, None, "the loss is no longer finite, in epoch 1", blocks=2, optimizer="adam", dropout=0.2),
    row(2, 0.75, blocks=3, optimizer="adam", dropout=0.2, l1=1.25e-6),
]


def test_the_leaderboard_is_best_first_and_says_once_what_all_share():
    lines = trials.leaderboard(report_of(ROWS)).splitlines()
    assert [line.split()[0] for line in lines] == ["trial", "2", "0", "1", "all:"]
    assert lines[1].endswith("blocks=3  optimizer=adam  l1=1.25e-06") and "1,234" in lines[1]
    assert lines[3].endswith("the loss is no longer finite, in epoch 1")
    assert lines[4] == "all: dropout=0.2"
    least = trials.leaderboard(report_of(ROWS, "min"), most=1).splitlines()
    assert least[1].startswith("0 ") and least[-1] == "2 more"


def test_a_table_for_spreadsheets_has_a_column_for_each_hyperparameter():
    table = list(csv.DictReader(io.StringIO(trials.as_csv(report_of(ROWS)))))
    assert [line["trial_id"] for line in table] == ["0", "1", "2"]
    assert [line["l1"] for line in table] == ["", "", "1.25e-06"]
    assert [line["score"] for line in table] == ["0.5", "", "0.75"] and table[1]["epochs"] == "0"
    assert table[1]["reason"] == "the loss is no longer finite, in epoch 1"


@pytest.mark.parametrize(("direction", "best"), [("max", "2"), ("min", "0")])
def test_the_best_is_the_first_of_the_best(direction, best):
    assert trials.best_of([*ROWS, row(3, 0.75), row(4, 0.5)], direction) == best
    assert trials.best_of(ROWS[1:2], direction) is None


def test_the_best_trials_hyperparameters_make_a_network_and_a_training():
    base = {"task": "multiclass", "labels": list("0123456789"), "image_shape": [28, 28, 1]}
    space, hp = SearchSpace(base, {"batch_size": 96, "elastic_transform": 0.02}), keras_tuner.HyperParameters()
    hp.values = {"blocks": 2, "optimizer": "sgd", "learning_rate_sgd": 0.05, "regularization": "l1", "l1": 1e-5}
    network, training = space.point(hp)
    report = report_of([row(0, 0.5), row(1, 0.75, **hp.values)]) | {
        "best_trial": "1",
        "network": base,
        "overrides": space.overrides,
    }
    assert best_hyperparameters(json.loads(json.dumps(report))) == (network, training)
    assert network["filters"] == (24, 48) and network["l1"] == 1e-5
    settings = TrainConfig(**training)
    assert (settings.batch_size, settings.elastic_transform, settings.learning_rate) == (96, 0.02, 0.05)


def test_the_space_is_told_with_its_conditions():
    base = {"task": "multiclass", "labels": ("a", "b", "c"), "image_shape": (8, 8, 1)}
    hp = keras_tuner.HyperParameters()
    hp.values = {"regularization": "l1", "optimizer": "lion"}
    SearchSpace(base).point(hp)
    space = {parameter["name"]: parameter for parameter in trials.space_of(hp)}
    assert json.loads(json.dumps(space)) == space
    assert space["blocks"] == {"name": "blocks", "values": [1, 2, 3], "default": 3, "when": {}}
    assert space["l1"]["when"] == {"regularization": ["l1", "elastic net"]}
    rate = space["learning_rate_lion"]
    assert rate == {
        **{"name": "learning_rate_lion", "low": 3e-5, "high": 1e-3, "scale": "log", "default": 3e-4},
        "when": {"optimizer": ["lion"]},
    }


def test_the_reason_of_a_failure_is_its_error_on_one_line():
    def reason(fail) -> str:
        try:
            fail()
        except Exception:
            return trials.reason_of(SimpleNamespace(message=traceback.format_exc()))

    def kept():
        raise TrazoError("unknown activation 'mish'")

    def without_words():
        raise MemoryError

    narrow = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    assert reason(kept) == "unknown activation 'mish'"
    assert reason(without_words) == "MemoryError"
    of_keras = reason(lambda: narrow(np.zeros((2, 5))))  # over several lines, the middle one in bold
    assert of_keras.startswith("ValueError: ") and "expected axis -1 of input shape to have value 4" in of_keras
    assert of_keras.isprintable() and len(of_keras) <= trials.LONGEST_REASON
    assert trials.reason_of(SimpleNamespace(message=None)) is None


def test_the_command_prints_what_a_run_holds_and_names_what_is_missing(tmp_path, capsys):
    assert main(["trials", str(tmp_path)]) == 2
    assert f"it comes from `python -m training tune --output {tmp_path}" in capsys.readouterr().err
    (tmp_path / "trials.json").write_text(json.dumps(report_of(ROWS)))
    assert main(["trials", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == trials.leaderboard(report_of(ROWS))
    assert main(["trials", str(tmp_path), "--csv"]) == 0
    assert capsys.readouterr().out == trials.as_csv(report_of(ROWS))
    (tmp_path / "trials.json").write_text(json.dumps(report_of(ROWS) | {"schema_version": 1}))
    assert main(["trials", str(tmp_path)]) == 2
    assert "schema_version 1; this Trazo reads 2" in capsys.readouterr().err
    assert main(["train", "--dataset", SAMPLE, "--output", str(tmp_path)]) == 2
    assert "schema_version 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage", [{"objective": {}}, {"objective": None}, {"trials": [{}]}, {"trials": None}, {"trials": [[]]}]
)
def test_a_file_without_what_a_table_needs_is_damaged(tmp_path, capsys, damage):
    (tmp_path / "trials.json").write_text(json.dumps(report_of(ROWS) | damage))
    assert main(["trials", str(tmp_path)]) == 2
    assert (
        capsys.readouterr().err == f"trazo: {tmp_path}/trials.json is damaged; the search that made it writes it anew\n"
    )


def test_whoever_reads_only_the_beginning_of_the_table_is_told_nothing_of_a_pipe(tmp_path):
    (tmp_path / "trials.json").write_text(json.dumps(report_of(ROWS)))
    command = [sys.executable, "-m", "training", "trials", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 141)
