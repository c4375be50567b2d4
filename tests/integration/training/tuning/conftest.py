"""Searches that are quick: a tiny space, and trials that do not train."""

import pytest

from model import CnnConfig
from tests.support.tiny_space import TinySpace
from training.config import TrainConfig
from training.loop.trainer import Progress
from training.tuning import trial_process, tuner


@pytest.fixture
def tiny_space(monkeypatch):
    """Let every search use `TinySpace`."""
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)


@pytest.fixture
def in_process(monkeypatch):
    """Run trials in this process, where TensorFlow is warm, as where a process cannot be forked."""
    monkeypatch.setattr(trial_process, "CAN_FORK", False)


def instant_fit(_: CnnConfig, settings: TrainConfig, *__, on_epoch, **___) -> Progress:
    """Stand in for a training where only the choice of trials matters."""
    progress = Progress()
    for epoch in range(1, settings.epochs + 1):
        row = {"epoch": epoch, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0}
        progress.epoch, progress.seconds = epoch, float(epoch)
        progress.history.append(row)
        on_epoch(progress)
    return progress


@pytest.fixture
def instant_trials(monkeypatch):
    """Let every trial end without training, and without a process."""
    monkeypatch.setattr(tuner, "fit_in_subprocess", instant_fit)
    return instant_fit
