import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
from datasets import Features, Image, Value
from safetensors.numpy import load_file

from model import CnnConfig, CnnModel
from model.errors import TrazoError
from model.network import build_network
from model.scaling import Scaling
from tests.conftest import ROOT, SAMPLE
from tests.support.datasets import pictures, write_dataset
from training.config import OPTIMIZERS, TrainConfig
from training.loop.trainer import fit
from training.stream import HubStream

CONFIG = CnnConfig(
    filters=(4, 8), convolutions=1, dense_units=(), dropout=0.2, scaling=Scaling("min-max", (0.0,), (255.0,))
)


def streams(seed: int = 0, batch_size: int = 64) -> tuple[HubStream, HubStream]:
    return HubStream(SAMPLE, seed=seed, batch_size=batch_size).hold_out(0.1)


def weights(network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.weights]


def test_training_learns_and_reports_each_epoch():
    config = replace(CONFIG, filters=(8, 16), dense_units=(32,), dropout=0.0)
    network, progress = fit(config, TrainConfig(epochs=4, learning_rate=1e-2), *streams(), verbose=False)
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4]
    assert progress.history[-1]["val_accuracy"] > 0.8  # ten classes: chance is 0.1
    assert progress.history[-1]["loss"] < progress.history[0]["loss"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} < progress.history[0].keys()
    # What is reported is what the returned network does: the weights are those of the best epoch.
    _, validation = streams()
    answers = CnnModel(config, network).predict([image for batch in validation.ordered() for image in batch.images])
    true = np.concatenate([batch.labels for batch in validation.ordered()])
    best = progress.history[progress.best_epoch - 1]
    assert np.isclose((answers.argmax(axis=1) == true).mean(), best["val_accuracy"])
    assert best["val_loss"] == min(row["val_loss"] for row in progress.history)


def test_same_seed_same_weights_other_seed_other_weights():
    def train(seed: int) -> list[np.ndarray]:
        settings = TrainConfig(epochs=1, steps_per_epoch=5, seed=seed, batch_size=64)
        return weights(fit(CONFIG, settings, *streams(seed), verbose=False)[0])

    first, again, other = train(0), train(0), train(1)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not all((a == b).all() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("optimizer", "precision"), [*((optimizer, "float32") for optimizer in OPTIMIZERS), ("adamw", "bfloat16")]
)
def test_every_optimiser_goes_on_exactly_from_a_checkpoint(tmp_path, optimizer, precision, monkeypatch):
    """Stopped in the middle of an epoch by an error, as a kill would, then started again."""
    rate = {"sgd": 0.1, "lion": 1e-3}.get(optimizer, 5e-3)
    settings = TrainConfig(
        epochs=2,
        steps_per_epoch=6,
        batch_size=64,
        optimizer=optimizer,
        learning_rate=rate,
        ema_momentum=0.9,
        precision=precision,
    )
    whole, history = fit(CONFIG, settings, *streams(), verbose=False)

    path = tmp_path / "checkpoint.safetensors"
    monkeypatch.setattr("training.loop.trainer.SECONDS_BETWEEN_CHECKPOINTS", 0.0)  # after every step
    epochs = HubStream.epochs
    broken = {"left": 9}

    def failing(self, numbers, start=0, steps=None):
        for batch in epochs(self, numbers, start, steps):
            broken["left"] -= 1
            if broken["left"] < 0:
                raise ConnectionError("the network is gone")
            yield batch

    monkeypatch.setattr(HubStream, "epochs", failing)
    with pytest.raises(Exception, match="the network is gone"):
        fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    monkeypatch.setattr(HubStream, "epochs", epochs)
    resumed, again = fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    assert all((a == b).all() for a, b in zip(weights(whole), weights(resumed), strict=True))
    for a, b in zip(history.history, again.history, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


def test_the_result_is_the_average_of_the_weights_that_training_goes_through():
    """Averaging changes nothing of the training itself, so its steps can be had one by one without."""

    def after(steps: int, average: float) -> list[np.ndarray]:
        settings = TrainConfig(
            epochs=1, steps_per_epoch=steps, batch_size=64, schedule="constant", ema_momentum=average
        )
        return weights(fit(CONFIG, settings, *streams(), verbose=False)[0])

    keras.utils.set_random_seed(0)
    expected = weights(build_network(CONFIG))
    for step in range(1, 5):
        decay = min(0.3, (1 + step) / (10 + step))
        now = after(step, 0.0)
        expected = [decay * a + (1 - decay) * b for a, b in zip(expected, now, strict=True)]
    found = after(4, 0.3)
    for a, b, raw in zip(expected, found, now, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        assert not np.allclose(b, raw, rtol=1e-4, atol=1e-6)


DIES = """
import os, signal, sys, tempfile
import model.io.atomic
import training.loop.checkpoint as checkpoint
import training.presets as presets
import training.loop.trainer as trainer

network, recipe = presets.fast()
presets.PRESETS["fast"] = lambda: (network | {"dropout": 0.3}, recipe)

moment, count = sys.argv.pop(1), int(sys.argv.pop(1))
trainer.SECONDS_BETWEEN_CHECKPOINTS = 0.05
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
real_write, real_update, calls = model.io.atomic.atomic_write, trainer._Bar.update, [0]
real_create = tempfile.mkstemp

def update(bar, progress):
    calls[0] += 1
    if moment == "step" and calls[0] == count:
        die()
    real_update(bar, progress)

def write(path, content):
    calls[0] += 1
    now = calls[0] == count
    if now and moment in ("half", "flushed"):
        os.replace = die  # what is left is the temporary file
        content = content[: len(content) // 2] if moment == "half" else content
    real_write(path, content)
    if now:
        die()

def create_unless_last(prefix, **options):
    if prefix == f".{moment}.":
        die()
    return real_create(prefix=prefix, **options)

trainer._Bar.update = update
if moment in ("half", "flushed", "renamed"):
    checkpoint.atomic_write = write
    trainer._Bar.update = real_update
tempfile.mkstemp = create_unless_last
from training.cli import main
status = main(sys.argv[1:])
sys.stdout.flush()
os._exit(status)
"""


@pytest.mark.parametrize(
    "moments",
    [
        ("half", "step", "renamed", "model.safetensors", "training.json"),
        pytest.param(
            ("step", "half", "step", "flushed", "renamed", "step", "model.safetensors", "training.json"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_killed_and_started_again_ends_with_the_same_bits(tmp_path, moments):
    """`kill -9` at random steps, while a checkpoint is written (half of it, all but its name, all of it), at the end.

    So fast a training gains a lot in each of its first five epochs, which holds all kills, and soon stops early.
    """

    def run(folder: str, moment: str, count: int) -> int:
        options = ["--preset", "fast", "--epochs", "40", "--patience", "1", "--steps-per-epoch", "6"]
        options += ["--batch-size", "32", "--schedule", "constant", "--learning-rate", "0.05", "--ema-momentum", "0.5"]
        options += [
            "--elastic-transform",
            "0.02",
            "--stroke-jitter",
            "0.5",
            "--digit-variants",
            "0.5",
            "--clean-fraction",
            "0.2",
        ]
        options += ["--precision", "bfloat16"]
        command = [
            "-c",
            DIES,
            moment,
            str(count),
            "train",
            "--dataset",
            SAMPLE,
            "--output",
            tmp_path / folder,
            *options,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, *command], env=environment, capture_output=True, timeout=120).returncode

    assert run("whole", "step", 0) == 0
    steps = random.Random(int(time.time()))  # other steps every time; what fails is named below
    counts = {"half": 2, "flushed": 2, "renamed": 1}
    kills = [(moment, steps.randint(1, 9) if moment == "step" else counts.get(moment, 0)) for moment in moments]
    for kill in kills:
        assert run("killed", *kill) == -signal.SIGKILL, kills
    assert run("killed", "step", 0) == 0, kills
    whole, killed = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    assert all((whole[name] == killed[name]).all() for name in whole), kills
    losses = [
        [row["val_loss"] for row in json.loads((tmp_path / name / "training.json").read_text())["history"]]
        for name in ("whole", "killed")
    ]
    assert losses[0] == losses[1], kills
    assert 4 < len(losses[0]) < 40 and losses[0][-1] > min(losses[0])
    assert not list((tmp_path / "killed").glob(".*.tmp"))


def test_a_checkpoint_of_other_settings_or_damaged_is_refused(tmp_path, monkeypatch, capsys):
    path = tmp_path / "checkpoint.safetensors"
    settings = TrainConfig(epochs=1, steps_per_epoch=2, batch_size=64)
    fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    other = TrainConfig(epochs=1, steps_per_epoch=2, batch_size=64, learning_rate=0.5)
    with pytest.raises(TrazoError, match="other settings .*learning_rate: 0.002 there, 0.5 asked"):
        fit(CONFIG, other, *streams(), checkpoint=path, verbose=False)
    fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    assert not capsys.readouterr().out
    # Other code goes on, for a search would lose its trial, but says so.
    monkeypatch.setattr("training.loop.checkpoint._made_with", lambda: {"Trazo": "of tomorrow"})
    fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    assert "was begun with another version of Trazo: " in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrazoError, match="no checkpoint of Trazo"):
        fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)


def test_a_loss_that_runs_away_stops_the_training(tmp_path):
    features = Features({"image": Image(), "weight": Value("float32")})
    columns = {"image": pictures(60), "weight": [float(row) for row in range(60)]}
    parts = HubStream(write_dataset(tmp_path, features, [columns]), batch_size=8).hold_out(0.2)
    config = CnnConfig(
        labels=("weight",),
        task="regression",
        image_shape=(8, 8, 1),
        filters=(4,),
        convolutions=1,
        normalization="none",
    )
    settings = TrainConfig(epochs=3, optimizer="sgd", learning_rate=10, schedule="constant")
    with pytest.raises(TrazoError, match="no longer finite in epoch"):
        fit(config, settings, *parts, verbose=False)


def test_training_stops_early_and_keeps_the_best_weights():
    settings = TrainConfig(epochs=30, learning_rate=0.05, schedule="constant", patience=1, batch_size=64, augment=0)
    _, progress = fit(CONFIG, settings, *streams(), verbose=False)
    assert len(progress.history) < 30
    assert progress.best_epoch == len(progress.history) - 1


@pytest.mark.parametrize("field", [{"optimizer": "adagrad"}, {"epochs": 0}, {"learning_rate": -1.0}, {"augment": 9.0}])
def test_settings_out_of_range_are_refused(field):
    with pytest.raises(TrazoError, match=next(iter(field))):
        TrainConfig(**field)
