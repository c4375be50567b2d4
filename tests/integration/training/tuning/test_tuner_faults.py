"""Faults that end a search from outside, and what the next start finds."""

import errno
import os
from pathlib import Path

import pytest

from model.artifacts import TRIALS_FILE
from model.errors import CorruptFileError, StreamError, TrazoError
from tests.support import tiny_space
from training.config import STRATEGIES
from training.tuning import tuner

FULL_DISK = OSError(errno.ENOSPC, "No space left on device")


pytestmark = pytest.mark.usefixtures("tiny_space")


def tune(folder, **settings) -> list[dict]:
    """Search, and return what must not depend on interruptions."""
    report = tiny_space.tune(folder, **{"trials": 2, "trial_epochs": 2} | settings)
    return [
        {
            **{key: trial[key] for key in ("trial_id", "status", "hyperparameters", "score", "reason")},
            "history": [(row["epoch"], row["val_loss"]) for row in trial["history"]],
        }
        for trial in report["trials"]
    ]


def fail_once(monkeypatch, error, number=2) -> list[int]:
    """Raise an error after the first epoch of one training; return the number of epochs of each."""
    real, epochs = tuner.fit_in_subprocess, []

    def fit(*arguments, on_epoch, **options):
        epochs.append(0)

        def then_fail(progress):
            epochs[-1] += 1
            on_epoch(progress)
            if len(epochs) == number and progress.epoch == 1:
                raise error

        return real(*arguments, on_epoch=then_fail, **options)

    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    return epochs


@pytest.mark.parametrize(
    ("error", "raised", "text"),
    [
        pytest.param(StreamError("the Hub is silent"), StreamError, "the Hub is silent", marks=pytest.mark.slow),
        (FULL_DISK, StreamError, "No space left on device; fix this and run the same command again"),
        pytest.param(
            CorruptFileError("record.json is not valid JSON"), StreamError, "record.json", marks=pytest.mark.slow
        ),
        pytest.param(KeyboardInterrupt(), KeyboardInterrupt, "", marks=pytest.mark.slow),
    ],
    ids=["network", "disk", "damage", "Ctrl-C"],
)
@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_search_interrupted_trial_resumes_from_checkpoint(
    tmp_path, monkeypatch, in_process, error, raised, text, number
):
    epochs = fail_once(monkeypatch, error, number)
    with pytest.raises(raised) as caught:
        tune(tmp_path / "interrupted")
    assert text in str(caught.value) and "\n" not in str(caught.value)
    interrupted = tune(tmp_path / "interrupted")
    assert epochs == ([1, 1, 2] if number == 1 else [2, 1, 1])
    assert interrupted == tune(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_search_interrupted_every_strategy_ends_the_same(tmp_path, monkeypatch, in_process, strategy):
    # Four trials of hyperband are three short ones and a long one.
    settings = {"strategy": strategy, "trials": 4, "trial_epochs": 3}
    whole = tune(tmp_path / "whole", **settings)
    fail_once(monkeypatch, StreamError("the Hub is silent"))
    with pytest.raises(StreamError):
        tune(tmp_path / "interrupted", **settings)
    tune(tmp_path / "interrupted", **settings | {"trials": 3})
    assert tune(tmp_path / "interrupted", **settings) == whole


@pytest.mark.slow
def test_search_disk_full_many_times_ends_the_same(tmp_path, monkeypatch, in_process):
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


def test_search_files_are_replaced_not_overwritten(tmp_path, monkeypatch, instant_trials):
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


def test_search_damaged_or_missing_file_is_named(tmp_path, instant_trials):
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


def test_search_names_in_another_order_are_the_same_search(tmp_path, instant_trials):
    first = tune(tmp_path, trials=1, trial_epochs=1, search=("pooling", "activation"))
    assert tune(tmp_path, trials=1, trial_epochs=1, search=("activation", "pooling")) == first


def test_search_other_settings_in_same_folder_are_refused(tmp_path, instant_trials):
    tune(tmp_path)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.name != "pixels.json" and path.is_file()}
    for change, message in (
        ({"seed": 1}, "search.seed: 0 there, 1 requested"),
        ({"strategy": "grid"}, "search.strategy: 'bayesian' there, 'grid' requested"),
        ({"trial_epochs": 3}, "search.trial_epochs: 2 there, 3 requested"),
        ({"trial_steps": 3}, "search.trial_steps: 2 there, 3 requested"),
        ({"training": {"batch_size": 64}}, "training.batch_size: 32 there, 64 requested"),
        ({"training": {"schedule": "constant"}}, "overrides: "),
        ({"data": {"image_size": 14}}, r"config.image_shape: \[28, 28, 1\] there, \[14, 14, 1\] requested"),
        (
            {"data": {"validation_fraction": 0.3}},
            "other rows are held out than in this run .--validation-fraction 0.1 there, 0.3 now",
        ),
        ({"data": {"split": "test", "test_split": "train"}}, "this folder holds a run on split 'train', not on 'test'"),
    ):
        with pytest.raises(TrazoError, match=message) as caught:
            tune(tmp_path, **change)
        assert "use another --output" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert {path: path.read_bytes() for path in kept} == kept
    # Neither the number of trials nor what a trial sets itself makes another search.
    assert len(tune(tmp_path, trials=3, training={"epochs": 7, "patience": 2})) == 3
