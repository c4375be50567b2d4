"""A training that is interrupted continues from its checkpoint and ends with the same bits."""

import json
import os
import random
import signal

import pytest
from safetensors.numpy import load_file

from model.errors import TrazoError
from tests.conftest import SAMPLE
from tests.support import train_and_die
from tests.support.forked import run_forked
from tests.support.tiny_training import CONFIG, streams, weights
from training.config import TrainConfig
from training.loop.trainer import fit
from training.optimizers import OPTIMIZERS
from training.stream import HubStream

WEIGHTS = tuple(0.5 + label / 9 for label in range(10))


@pytest.mark.parametrize(
    ("optimizer", "precision"), [*((optimizer, "float32") for optimizer in OPTIMIZERS), ("adamw", "bfloat16")]
)
def test_resume_any_optimizer_ends_with_same_bits(tmp_path, optimizer, precision, monkeypatch):
    """Stopped in the middle of an epoch by an error, as a kill would, then started again."""
    rate = {"sgd": 0.1, "lion": 1e-3}.get(optimizer, 5e-3)
    settings = TrainConfig(
        epochs=2,
        steps_per_epoch=4,
        batch_size=64,
        optimizer=optimizer,
        learning_rate=rate,
        ema_momentum=0.9,
        precision=precision,
        augment=float(optimizer == "adamw"),  # the images are the same for all, and take long to trace
        cutmix=0.5 * (optimizer == "adamw"),
        **({"class_weights": "balanced", "class_weight_values": WEIGHTS} if optimizer == "adamw" else {}),
    )
    uninterrupted, expected = fit(CONFIG, settings, *streams(), verbose=False)

    save_each_step = {"checkpoint": tmp_path / "checkpoint.safetensors", "save_every_s": 0.0}
    epochs, left = HubStream.epochs, 6

    def failing(self, *arguments, **options):
        nonlocal left
        for batch in epochs(self, *arguments, **options):
            left -= 1
            if left < 0:
                raise ConnectionError("the network is gone")
            yield batch

    with monkeypatch.context() as broken:
        broken.setattr(HubStream, "epochs", failing)
        with pytest.raises(Exception, match="the network is gone"):
            fit(CONFIG, settings, *streams(), **save_each_step, verbose=False)
    resumed, progress = fit(CONFIG, settings, *streams(), **save_each_step, verbose=False)
    assert all((a == b).all() for a, b in zip(weights(uninterrupted), weights(resumed), strict=True))
    for a, b in zip(expected.history, progress.history, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


# So fast a training gains a lot in each of its first five epochs, which hold all kills, and soon stops early.
OPTIONS = [
    "--preset",
    "fast",
    "--image-size",
    "14",
    "--epochs",
    "40",
    "--patience",
    "1",
    "--steps-per-epoch",
    "6",
    "--batch-size",
    "32",
    "--schedule",
    "constant",
    "--learning-rate",
    "0.05",
    "--ema-momentum",
    "0.5",
    "--precision",
    "bfloat16",
]
# TensorFlow traces them for seconds. That they are the same after a resume, test_pipeline shows too.
AUGMENTATIONS = ["--elastic-transform=0.02", "--stroke-jitter=0.5", "--digit-variants=0.5", "--clean-fraction=0.2"]


@pytest.fixture
def train(tmp_path, fork_server):
    """Return a function that trains into a folder until a moment, and returns the exit code."""

    def run(folder: str, moment: str, count: int, options: list[str]) -> int:
        command = ["train", "--dataset", SAMPLE, "--output", str(tmp_path / folder), *OPTIONS, *options]
        return run_forked(train_and_die.train, moment, count, command)

    return run


@pytest.mark.parametrize(
    ("moments", "options"),
    [
        (("half", "step", "renamed", "model.safetensors", "training.json"), []),
        pytest.param(
            ("step", "half", "step", "flushed", "renamed", "step", "model.safetensors", "training.json"),
            AUGMENTATIONS,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_resume_after_kills_ends_with_same_bits(tmp_path, train, moments, options):
    """`kill -9` at random steps, while a checkpoint is written (half, all but its name, all of it), and at the end."""
    assert train("whole", "step", 0, options) == 0
    steps = random.Random(int(os.environ.get("TEST_SEED", 0)))
    counts = {"half": 2, "flushed": 2, "renamed": 1}
    kills = [(moment, steps.randint(1, 9) if moment == "step" else counts.get(moment, 0)) for moment in moments]
    for kill in kills:
        assert train("killed", *kill, options) == -signal.SIGKILL, kills
    assert train("killed", "step", 0, options) == 0, kills
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


def test_resume_other_settings_or_damaged_checkpoint_is_refused(tmp_path, monkeypatch, caplog):
    path = tmp_path / "checkpoint.safetensors"
    settings = TrainConfig(epochs=1, steps_per_epoch=2, batch_size=64)
    fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    other = TrainConfig(epochs=1, steps_per_epoch=2, batch_size=64, learning_rate=0.5)
    with pytest.raises(TrazoError, match="other settings .*learning_rate: 0.002 there, 0.5 requested"):
        fit(CONFIG, other, *streams(), checkpoint=path, verbose=False)
    fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    assert not caplog.messages
    # A training of other code continues, because a search would lose its trial, with a warning.
    monkeypatch.setattr("training.loop.checkpoint.environment_fingerprint", lambda: {"Trazo": "of tomorrow"})
    fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
    assert "was written by another version of Trazo: " in caplog.text
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrazoError, match="not a checkpoint of Trazo"):
        fit(CONFIG, settings, *streams(), checkpoint=path, verbose=False)
