"""Trainings of a few steps that several processes share, to be run with `tests.support.workers.start_workers`.

The first worker leaves the checkpoint of each case in a folder. Variables of the environment say what goes wrong:

    FAIL_RANK, FAIL_AT_STEP  in which worker, and after how many steps
    FAIL_BY                  a signal, which the process sends to itself; `error`, one for users; or `bug`, another one
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from datasets import ClassLabel, Features, Image, Value

from model import CnnConfig, backend
from model.errors import StreamError, TrazoError
from tests.support.datasets import random_images, write_dataset
from training.config import TrainConfig
from training.loop import trainer
from training.loop.progress_bar import EpochBar
from training.loop.state import Progress
from training.loop.trainer import fit
from training.loop.workers import Workers, connect, report_lost_workers
from training.stream import HubStream

SAMPLE = str(Path(__file__).parents[2] / "training" / "sample")
ROWS = 420
WEIGHTS = tuple(0.5 + label / 9 for label in range(10))
# What each case changes of a training with batch normalization, dropout and a decay of weights.
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "augmented": {"augment": 1.0, "elastic_transform": 0.02, "clean_fraction": 0.2, "color_jitter": 0.3},
    "mixed": {"augment": 0.5, "mixup": 0.5, "cutmix": 0.5, "clean_fraction": 0.2},
    "averaged": {"ema_momentum": 0.9},
    "weighted": {"class_weights": "balanced", "class_weight_values": WEIGHTS, "label_smoothing": 0.1},
    "skipped": {"augment": 0.5, "mixup": 0.5},  # some rows cannot be decoded, all of one batch
    "regression": {},
    "outliers": {"outliers": 20},
    "swish": {},
    "empty": {"batch_size": 2},  # fewer rows than workers
    "bfloat16": {"precision": "bfloat16"},
    "short": {
        "epochs": 1,
        "steps_per_epoch": 3,
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "augment": 0.5,
        "mixup": 0.5,
    },
}


def use_float64() -> None:
    """Let Keras compute everything in float64, what Trazo keeps in float32 as well."""
    set_defaults, make_layer = backend._set, keras.layers.Layer.__init__

    def init(self, *arguments, dtype=None, **options):
        make_layer(self, *arguments, dtype="float64", **options)

    backend._set = lambda policy, floatx, epsilon, layout: set_defaults("float64", "float64", epsilon, layout)
    keras.layers.Layer.__init__ = init


def write_data(folder: Path) -> None:
    """Write the datasets of the cases: digits, digits of which some cannot be decoded, and numbers."""
    images, labels = random_images(ROWS), [row % 10 for row in range(ROWS)]
    schema = Features({"image": Image(), "label": ClassLabel(names=list("0123456789"))})
    write_dataset(folder / "digits", schema, [{"image": images, "label": labels}])
    train, _ = HubStream(str(folder / "digits"), batch_size=32).hold_out(0.2)
    batches = [batch.index for batch in train.epoch(0)]
    broken = {*batches[3], *batches[5][[0, 7, 8, 30]], *batches[6][16:]}
    images = [b"no image" if row in broken else image for row, image in enumerate(images)]
    write_dataset(folder / "broken", schema, [{"image": images, "label": labels}])
    values = np.random.default_rng(1).normal(size=ROWS).tolist()
    schema = Features({"image": Image(), "y": Value("float32")})
    write_dataset(folder / "numbers", schema, [{"image": random_images(ROWS), "y": values}])


class FailingBar(EpochBar):
    """A progress bar whose process fails when it is moved for the n-th time."""

    steps = 0

    def update(self, progress: Progress) -> None:
        """Count a step."""
        FailingBar.steps += 1
        if FailingBar.steps == int(os.environ["FAIL_AT_STEP"]):
            print(f"last step at {time.time()}", flush=True)
            if os.environ["FAIL_BY"] == "error":
                raise StreamError("the disk is gone")
            if os.environ["FAIL_BY"] == "bug":
                raise KeyError("a bug")
            os.kill(os.getpid(), getattr(signal, os.environ["FAIL_BY"]))


def train(folder: Path, precision: str, names: list[str], workers: Workers) -> None:
    """Train the cases, of a few steps each."""
    if precision == "float64":
        use_float64()
    if os.environ.get("FAIL_RANK") == str(workers.rank):
        trainer.EpochBar = FailingBar
    for name in names:
        chosen = {"epochs": 2, "steps_per_epoch": 10, "batch_size": 32, "augment": 0.0, "learning_rate": 5e-3}
        settings = TrainConfig(**chosen | CASES[name])
        data = {"skipped": "broken", "regression": "numbers"}.get(name, "digits")
        dataset = SAMPLE if name == "outliers" else str(folder / data)
        parts = HubStream(dataset, batch_size=settings.batch_size).hold_out(0.2)
        further = {"regression": {"labels": ("y",), "task": "regression"}, "swish": {"activation": "swish"}}.get(
            name, {}
        )
        config = CnnConfig(image_shape=(8, 8, 1), filters=(4,), convolutions=1, dropout=0.1, l2=1e-3, **further)
        checkpoint = folder / f"{name}.safetensors"
        fit(config, settings, *parts, checkpoint=checkpoint, save_every_s=0.0, verbose=False, workers=workers)


def run(folder: Path, precision: str, names: list[str]) -> int:
    """Train the cases with the workers of TF_CONFIG, and return the exit code."""
    try:
        workers = connect()
        with report_lost_workers(workers):
            train(folder, precision, names, workers)
            workers.leave()
    except TrazoError as error:
        print(f"{error}; ended at {time.time()}")
        return error.exit_code
    return 0
