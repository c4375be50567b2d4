"""How long a training takes on this machine: the time of a step and of a validation, measured in seconds."""

import time
from dataclasses import dataclass, replace

from model.backend import keras_defaults

from model.config import CnnConfig
from training.config import TrainConfig
from training.data.stream import HubStream
from training.loop.precision import usable_precision
from training.loop.state import Progress
from training.loop.steps import compile_steps
from training.loop.trainer import create_train_state, train_batches

MAX_STEPS = 40  # that are measured
MAX_MEASURED_S = 5.0
EVAL_REPEATS = 3
MIN_EPOCHS = 5  # of a training that may not see every image: each ends with a validation


@dataclass(frozen=True)
class Speed:
    """Seconds that parts of a training take."""

    step_s: float
    validation_s: float  # of all validation rows

    def seconds(self, epochs: int, steps: int) -> float:
        """Return how long so many epochs of so many steps take, with their validations."""
        return epochs * (steps * self.step_s + self.validation_s)


def measure_speed(config: CnnConfig, settings: TrainConfig, train: HubStream, validation: HubStream) -> Speed:
    """Take some steps of a training, which is then forgotten, as it would take them: from the stream, augmented.

    Args:
        config: the network.
        settings: how it is trained.
        train: the rows to learn from; its batch size is that of the settings.
        validation: the rows held out; only their number counts.
    """
    with keras_defaults():
        # So many epochs that there are batches enough; a step takes as long in each.
        settings = replace(settings, precision=usable_precision(settings.precision), epochs=MAX_STEPS + 1)
        state = create_train_state(config, settings, len(train))
        train_step, eval_step = compile_steps(state, config, settings)
        batches = train_batches(train, Progress(), config, settings, len(train))
        images, labels = next(batches)
        train_step(images, labels)  # traces the graphs, which takes seconds
        eval_step(images, labels)
        steps, started = 0, time.perf_counter()
        for images, labels in batches:
            train_step(images, labels)
            steps, elapsed = steps + 1, time.perf_counter() - started
            if steps == MAX_STEPS or elapsed > MAX_MEASURED_S:
                break
        started_eval = time.perf_counter()
        for _ in range(EVAL_REPEATS):
            eval_step(images, labels)
        validation_step_s = (time.perf_counter() - started_eval) / EVAL_REPEATS
    return Speed(elapsed / steps, validation_step_s * len(validation))


def longest_training(seconds: float, speed: Speed, batches: int) -> dict[str, int | None]:
    """Return the length of the longest training that fits into a time, as fields of TrainConfig.

    Args:
        seconds: for the training.
        speed: of its network.
        batches: of all training rows.

    Returns:
        epochs of all rows; `MIN_EPOCHS` shorter ones if fewer than these would fit.
    """
    epochs = int(seconds / speed.seconds(1, batches))
    if epochs >= MIN_EPOCHS:
        return {"epochs": epochs, "steps_per_epoch": None, "patience": epochs}
    steps = max(1, int((seconds / MIN_EPOCHS - speed.validation_s) / speed.step_s))
    return {"epochs": MIN_EPOCHS, "steps_per_epoch": steps, "patience": MIN_EPOCHS}
