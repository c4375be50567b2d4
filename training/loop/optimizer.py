"""The optimizer of a training and its learning-rate schedule."""

from typing import Any

from model.backend import keras

from training.config import TrainConfig
from training.optimizers import OPTIMIZERS


def make_optimizer(settings: TrainConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Return the optimizer with its learning-rate schedule.

    The one-cycle schedule (Smith and Topin 2017, with a cosine descent) warms up linearly for a tenth of all steps and
    descends to zero.
    """
    steps = settings.epochs * steps_per_epoch
    rate: Any = float(settings.learning_rate)
    if settings.schedule == "one-cycle":
        warmup_steps = max(1, steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate / 25,
            max(1, steps - warmup_steps),
            0.0,
            warmup_target=settings.learning_rate,
            warmup_steps=warmup_steps,
        )
    chosen = OPTIMIZERS[settings.optimizer]
    arguments = chosen.arguments | ({"weight_decay": settings.weight_decay} if chosen.decays_weights else {})
    return getattr(keras.optimizers, chosen.keras_name)(rate, **arguments)
