"""How long a training takes on this machine: the time of a step and of an epoch's end, measured in seconds."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.backend import keras_defaults

from model.config import CnnConfig
from training.config import TrainConfig
from training.data.stream import HubStream
from training.loop.checkpoint import save_checkpoint
from training.loop.exposure import make_exposure
from training.loop.precision import usable_precision
from training.loop.state import Progress
from training.loop.steps import compile_steps
from training.loop.trainer import create_train_state, train_batches, validate

MAX_STEPS = 40  # that are measured
MAX_MEASURED_S = 5.0
MAX_VALIDATION_BATCHES = 50  # that are measured; of more the time of one is multiplied
MIN_EPOCHS = 5  # of a training that may not see every image: each ends with a validation
MAX_EPOCH_ENDS_SHARE = 0.25  # of the time of such a training; if a validation takes long there are fewer epochs
MAX_EPOCHS = 200  # of a training: more of the same images gain nothing


@dataclass(frozen=True)
class Speed:
    """Seconds that parts of a training take."""

    step_s: float
    epoch_end_s: float  # the validation and the checkpoint after each epoch

    def seconds(self, epochs: int, steps: int) -> float:
        """Return how long so many epochs of so many steps take."""
        return epochs * (steps * self.step_s + self.epoch_end_s)


def measure_speed(config: CnnConfig, settings: TrainConfig, train: HubStream, validation: HubStream) -> Speed:
    """Take some steps of a training, which is then forgotten, as it would take them: from the stream, augmented.

    Args:
        config: the network.
        settings: how it is trained.
        train: the rows to learn from; its batch size is that of the settings.
        validation: the rows held out.
    """
    with keras_defaults(), tempfile.TemporaryDirectory() as folder:
        # So many epochs that there are batches enough; a step takes as long in each.
        settings = replace(settings, precision=usable_precision(settings.precision), epochs=MAX_STEPS + 1)
        state = create_train_state(config, settings, len(train))
        few_outliers = replace(settings, outliers=min(settings.outliers, settings.batch_size))
        exposure = make_exposure(config, few_outliers, train)
        train_step, eval_step = compile_steps(state, config, settings, exposure)
        batches = train_batches(train, Progress(), config, settings, len(train))
        train_step(*next(batches))  # traces the graph, which takes seconds
        steps, started = 0, time.perf_counter()
        for batch in batches:
            train_step(*batch)
            steps, elapsed = steps + 1, time.perf_counter() - started
            if steps == MAX_STEPS or elapsed > MAX_MEASURED_S:
                break
        if len(validation) <= MAX_VALIDATION_BATCHES:
            validate(eval_step, validation, config)  # traces
            validation_s = _time(lambda: validate(eval_step, validation, config))
        else:
            images, labels, *_ = next(train_batches(train, Progress(), config, _without_mixing(settings), len(train)))
            eval_step(images, labels)
            validation_s = _time(lambda: eval_step(images, labels)) * len(validation)
        checkpoint_s = _time(lambda: save_checkpoint(Path(folder) / "checkpoint", state, {}))
    return Speed(elapsed / steps, validation_s + checkpoint_s)


def _without_mixing(settings: TrainConfig) -> TrainConfig:
    """Return settings with which each image has one label, as in a validation."""
    return replace(settings, mixup=0.0, cutmix=0.0)


def _time(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def longest_training(seconds: float, speed: Speed, batches: int) -> dict[str, int | None]:
    """Return the length of the longest training that fits into a time, as fields of TrainConfig.

    Args:
        seconds: for the training.
        speed: of its network.
        batches: of all training rows.

    Returns:
        epochs of all rows, at most `MAX_EPOCHS`; `MIN_EPOCHS` shorter ones if fewer than these would fit, or fewer if
        their validations would take more than `MAX_EPOCH_ENDS_SHARE` of the time.
    """
    whole = min(MAX_EPOCHS, int(seconds / speed.seconds(1, batches)))
    affordable = min(MIN_EPOCHS, int(MAX_EPOCH_ENDS_SHARE * seconds / max(speed.epoch_end_s, 1e-9)))
    if whole >= max(1, affordable):
        return {"epochs": whole, "steps_per_epoch": None, "patience": whole}
    epochs = max(1, affordable)
    steps = max(1, int((seconds / epochs - speed.epoch_end_s) / speed.step_s))
    return {"epochs": epochs, "steps_per_epoch": steps, "patience": epochs}
