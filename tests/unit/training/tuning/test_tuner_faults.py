"""What ends a search from outside, and what the next start finds."""

import errno
import json
import os
from pathlib import Path

import pytest

from model.artifacts import TRIALS_FILE
from model.errors import CorruptFileError, StreamError, TrazoError
from tests.conftest import SAMPLE
from tests.unit.training.tuning.test_tuner import Tiny
from training import commands
from training.config import STRATEGIES, DataConfig, TuneConfig
from training.tuning import tuner

SHORT = {"trials": 2, "trial_epochs": 2, "trial_steps": 2}
FULL_DISK = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)


def tune(folder, data=(), training=(), **settings) -> list[dict]:
    """Search, and return what must not depend on interruptions."""
    settings = TuneConfig(**SHORT | settings)
    report = commands.tune(DataConfig(SAMPLE, **dict(data)), {"batch_size": 32} | dict(training), settings, folder)
    assert report == json.loads((folder / "trials.json").read_text())
    return [
        {
            **{key: trial[key] for key in ("trial_id", "status", "hyperparameters", "score", "reason")},
            "history": [(row["epoch"], row["val_loss"]) for row in trial["history"]],
        }
        for trial in report["trials"]
    ]


def fail_once(monkeypatch, error, number=2) -> list[int]:
    """Let an error come from outside after the first epoch of a call of `fit`; return the epochs that each call ran."""
    real, epochs = tuner.fit, []

    def fit(*arguments, on_epoch, **options):
        epochs.append(0)

        def then_fail(progress):
            epochs[-1] += 1
            on_epoch(progress)
            if len(epochs) == number and progress.epoch == 1:
                raise error

        return real(*arguments, on_epoch=then_fail, **options)

    monkeypatch.setattr(tuner, "fit", fit)
    return epochs


@pytest.mark.parametrize(
    ("error", "raised", "text"),
    [
        pytest.param(StreamError("the Hub is silent"), StreamError, "the Hub is silent", marks=pytest.mark.slow),
        (FULL_DISK, StreamError, "No space left on device; the same command goes on"),
        pytest.param(
            CorruptFileError("record.json is not valid JSON"), StreamError, "record.json", marks=pytest.mark.slow
        ),
        pytest.param(KeyboardInterrupt(), KeyboardInterrupt, "", marks=pytest.mark.slow),
    ],
    ids=["network", "disk", "damage", "Ctrl-C"],
)
@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupted_trial_goes_on_from_its_checkpoint(tmp_path, monkeypatch, error, raised, text, number):
    epochs = fail_once(monkeypatch, error, number)
    with pytest.raises(raised) as caught:
        tune(tmp_path / "interrupted")
    assert text in str(caught.value) and "\n" not in str(caught.value)
    interrupted = tune(tmp_path / "interrupted")
    assert epochs == ([1, 1, 2] if number == 1 else [2, 1, 1])
    assert interrupted == tune(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch, strategy):
    # Four trials of hyperband are three short ones and a long one.
    settings = {"strategy": strategy, "trials": 4, "trial_epochs": 3}
    whole = tune(tmp_path / "whole", **settings)
    fail_once(monkeypatch, StreamError("the Hub is silent"))
    with pytest.raises(StreamError):
        tune(tmp_path / "interrupted", **settings)
    tune(tmp_path / "interrupted", **settings | {"trials": 3})
    assert tune(tmp_path / "interrupted", **settings) == whole


@pytest.mark.slow
def test_however_often_the_disk_is_full_the_search_ends_the_same(tmp_path, monkeypatch):
    """The first write of the first start fails, the second of the second, and so on."""
    whole = tune(tmp_path / "whole", trial_epochs=1)
    replace, left = os.replace, 0

    def fail_once_per_start(source, target):
        nonlocal left
        if "tuner" in Path(target).parts or Path(target).name == TRIALS_FILE:
            left -= 1
            if left == 0:
                raise FULL_DISK
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_once_per_start)
    for allowed in range(1, 100):
        left = allowed
        try:
            interrupted = tune(tmp_path / "interrupted", trial_epochs=1)
            break
        except StreamError as error:
            assert "No space left" in str(error)
    assert allowed > 8
    assert interrupted == whole


def test_the_files_of_a_search_are_replaced_never_written_into(tmp_path, monkeypatch):
    fail_once(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path)
    names = ["oracle.json", "tuner0.json", "trial_1/trial.json"]
    before = {name: (tmp_path / str(number)) for number, name in enumerate(names)}
    for name, link in before.items():
        os.link(tmp_path / "tuner" / name, link)
    tune(tmp_path)
    for name, link in before.items():
        assert not link.samefile(tmp_path / "tuner" / name), name


def test_a_damaged_or_missing_file_of_a_search_is_named(tmp_path):
    tune(tmp_path)
    for name in ("oracle.json", "tuner0.json", "trial_1/trial.json", "search.json"):
        file = tmp_path / "tuner" / name
        text = file.read_text()
        file.write_text(text[: len(text) // 2])
        with pytest.raises(
            TrazoError, match=rf"{name} of an earlier search is missing or damaged; use another"
        ) as caught:
            tune(tmp_path)
        assert "\n" not in str(caught.value)
        file.write_text(text)
    for name, message in (("search.json", "search.json of an earlier"), ("trial_1/trial.json", "do not fit together")):
        text = (tmp_path / "tuner" / name).read_text()
        (tmp_path / "tuner" / name).unlink()
        with pytest.raises(TrazoError, match=message):
            tune(tmp_path)
        (tmp_path / "tuner" / name).write_text(text)
    (tmp_path / "tuner" / "oracle.json").write_text('{"trials": []}')
    with pytest.raises(TrazoError, match="do not fit together; use another --output"):
        tune(tmp_path)


def test_the_order_in_which_hyperparameters_are_named_makes_no_other_search(tmp_path):
    first = tune(tmp_path, trials=1, trial_epochs=1, search=("pooling", "activation"))
    assert tune(tmp_path, trials=1, trial_epochs=1, search=("activation", "pooling")) == first


def test_another_search_in_the_same_folder_is_refused_with_what_differs(tmp_path):
    tune(tmp_path)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.name != "pixels.json" and path.is_file()}
    for change, message in (
        ({"seed": 1}, "search.seed: 0 there, 1 asked"),
        ({"strategy": "grid"}, "search.strategy: 'random' there, 'grid' asked"),
        ({"trial_epochs": 3}, "search.trial_epochs: 2 there, 3 asked"),
        ({"trial_steps": 3}, "search.trial_steps: 2 there, 3 asked"),
        ({"training": {"batch_size": 64}}, "training.batch_size: 32 there, 64 asked"),
        ({"training": {"optimizer": "adamw"}}, "fixed: "),
        ({"data": {"image_size": 14}}, r"network.image_shape: \[28, 28, 1\] there, \[14, 14, 1\] asked"),
        ({"data": {"validation": 0.3}}, r"data.train.part.low: 0.1 there, 0.3 asked, data.train.rows: \d+ there"),
        ({"data": {"split": "test", "test_split": "train"}}, "data.train.datasets.0.fingerprint: '[0-9a-f]+' there"),
    ):
        with pytest.raises(TrazoError, match=message) as caught:
            tune(tmp_path, **change)
        assert "belongs to another search (" in str(caught.value) and "use another --output" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert {path: path.read_bytes() for path in kept} == kept
    # Neither the number of trials nor what a trial sets itself makes another search.
    assert len(tune(tmp_path, trials=3, training={"epochs": 7, "patience": 2})) == 3
