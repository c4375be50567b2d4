"""The training loop, with a checkpoint that holds everything: a run killed at any step goes on exactly."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from model import heads
from model.config import CnnConfig
from model.errors import TrazoError
from model.io.atomic import clear_leftovers
from model.losses import make_loss, make_metric_function
from model.network import build_network
from training.augmentation.digit_variants import check_digits
from training.config import TrainConfig
from training.data.stream import HubStream
from training.loop.checkpoint import load_checkpoint, save_checkpoint
from training.loop.precision import in_precision, usable_precision
from training.pipeline import iterate_with_source_errors, make_eval_data, make_train_data

SECONDS_BETWEEN_CHECKPOINTS = 60.0


@dataclass
class Progress:
    """Where a training stands; with the network's and optimiser's variables it is the whole state."""

    epoch: int = 0  # current, from 0
    batch: int = 0  # next of that epoch
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # loss, metric and rows of the epoch so far
    seconds: float = 0.0  # of training so far, over all starts
    epoch_seconds: float = 0.0  # of the current epoch so far
    best_epoch: int = 0  # from 1; 0 for none yet
    best_loss: float = float("inf")  # on validation
    history: list[dict[str, float]] = field(default_factory=list)  # one row an epoch
    finished: bool = False

    def stopped_early(self, patience: int) -> bool:
        """Tell whether validation has not improved for `patience` epochs."""
        return self.epoch - self.best_epoch >= patience


def fit(
    config: CnnConfig,
    settings: TrainConfig,
    train: HubStream,
    validation: HubStream,
    *,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
    verbose: bool = True,
) -> tuple[keras.Model, Progress]:
    """Train a network, from its checkpoint if there is one, and return the weights that were best on validation.

    Args:
        config: the network; its scaling is already fitted.
        settings: how to train.
        train: rows to learn from; its batch size and seed are those of the settings.
        validation: rows held out; its loss decides which epoch is best and when to stop.
        checkpoint: file that holds the whole state, written every `SECONDS_BETWEEN_CHECKPOINTS` and at each epoch's
            end; None for none. A run that is killed and started again with the same arguments ends with the same
            bits, on the same machine with the same number of threads.
        on_epoch: called after each epoch.
        verbose: show a progress bar.

    Returns:
        (network, progress).

    Raises:
        TrazoError: when the loss is no longer finite, or the checkpoint belongs to another run.
    """
    if settings.digit_variants:
        check_digits(config.labels)

    # --- State: fresh, or from the checkpoint ---
    keras.utils.set_random_seed(settings.seed)
    settings = replace(settings, precision=usable_precision(settings.precision))
    network = in_precision(settings.precision, lambda: build_network(config))
    steps = min(len(train), settings.steps_per_epoch or len(train))
    optimizer = make_optimizer(settings, steps)
    optimizer.build(network.trainable_variables)
    # What is validated, kept and returned, in float32: the average of the weights over the last steps, or the weights.
    separate = settings.ema_momentum or settings.precision != "float32"
    result = build_network(config) if separate else network
    _copy(network, result)
    train_step, evaluate_step = _compile(network, result, optimizer, config, settings)
    networks = {"network": network} | ({"ema": result} if separate else {})
    identity = {
        "network": asdict(config),
        "training": asdict(settings),
        "data": {"train": train.key, "validation": validation.key, "window_rows": train.window_rows},
    }
    progress, best = Progress(), None
    if checkpoint:
        clear_leftovers(checkpoint)
        if checkpoint.exists():
            progress, best = load_checkpoint(checkpoint, networks, optimizer, identity, Progress)

    def save() -> None:
        if checkpoint:
            save_checkpoint(checkpoint, networks, optimizer, identity, progress, best)

    # --- Epochs ---
    shape = config.image_shape
    if not progress.finished:
        data = iterate_with_source_errors(
            train,
            make_train_data(
                train,
                progress.epoch,
                start=progress.batch,
                epochs=settings.epochs - progress.epoch,
                steps=steps,
                image_shape=shape,
                augment=settings,
            ),
        )
    saved = time.monotonic()
    while not progress.finished:
        bar = _Bar(progress, settings.epochs, steps, verbose)
        started = time.monotonic()
        while progress.batch < steps:
            images, labels = next(data)
            if images.shape[0]:  # a batch of which no row was usable
                sums = train_step(images, labels).numpy()
                progress.sums = [a + float(b) for a, b in zip(progress.sums, sums, strict=True)]
            progress.batch += 1
            bar.update(progress)
            if not np.isfinite(progress.sums[0]):
                raise TrazoError(
                    f"the loss is no longer finite in epoch {progress.epoch + 1}, batch {progress.batch}; "
                    "a smaller learning rate, or another loss or scaling, may help"
                )
            if time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
                started = _add_time(progress, started)
                save()
                saved = time.monotonic()

        # --- Validation, early stopping, best weights ---
        val_loss, val_metric = _evaluate(
            evaluate_step, iterate_with_source_errors(validation, make_eval_data(validation, image_shape=shape))
        )
        if not np.isfinite(val_loss) and best is None:
            raise TrazoError(
                f"the loss on validation is not finite in epoch {progress.epoch + 1}; "
                "a smaller learning rate, or another loss or scaling, may help"
            )
        _add_time(progress, started)
        _end_epoch(progress, config, optimizer, val_loss, val_metric)
        bar.end(progress.history[-1])
        for stream in (train, validation):
            if news := stream.take_skip_summary():
                print(news, flush=True)
        if val_loss < progress.best_loss:
            progress.best_loss, progress.best_epoch = val_loss, progress.epoch
            best = [variable.numpy() for variable in result.weights]
        progress.finished = progress.epoch >= settings.epochs or progress.stopped_early(settings.patience)
        save()
        saved = time.monotonic()
        on_epoch(progress)

    assert best is not None  # a first loss on validation that is not finite was refused
    for variable, value in zip(result.weights, best, strict=True):
        variable.assign(value)
    return result, progress


def make_optimizer(settings: TrainConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Return the optimiser with its learning-rate schedule.

    The one-cycle schedule (Smith and Topin 2017, with a cosine descent) warms up linearly for a tenth of all steps and
    descends to zero.
    """
    steps = settings.epochs * steps_per_epoch
    rate: Any = float(settings.learning_rate)
    if settings.schedule == "one-cycle":
        warm = max(1, steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate / 25,
            max(1, steps - warm),
            0.0,
            warmup_target=settings.learning_rate,
            warmup_steps=warm,
        )
    o = keras.optimizers
    return {
        "adam": lambda: o.Adam(rate),
        "adamw": lambda: o.AdamW(rate, weight_decay=settings.weight_decay),
        "nadam": lambda: o.Nadam(rate),
        "rmsprop": lambda: o.RMSprop(rate),
        "sgd": lambda: o.SGD(rate, momentum=0.9, nesterov=True),
        "lion": lambda: o.Lion(rate, weight_decay=settings.weight_decay),
    }[settings.optimizer]()


def _copy(source: keras.Model, target: keras.Model) -> None:
    for old, new in zip(source.weights, target.weights, strict=True):
        new.assign(old)


def _compile(
    network: keras.Model,
    result: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    config: CnnConfig,
    settings: TrainConfig,
):
    """Return (one training step, one validation batch), both giving (loss, metric, rows) summed over the batch.

    `network` is trained, `result` is validated; where they are two, a step moves the weights of the second towards
    those of the first (Polyak and Juditsky 1992; with a decay as in Keras' own averaging).
    """
    loss_of = make_loss(config.task, config.loss, len(config.labels), settings.label_smoothing)
    metric_of = make_metric_function(config.task)
    shapes = [
        tf.TensorSpec((None, *config.image_shape), tf.float32),
        tf.TensorSpec((None,), tf.float32 if config.task == "regression" else tf.int64),
    ]

    def sums(labels: tf.Tensor, outputs: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
        rows = tf.cast(tf.shape(labels)[0], tf.float32)
        return tf.stack([loss * rows, tf.reduce_sum(metric_of(labels, outputs)), rows])

    # XLA was measured several times slower than TensorFlow's own kernels for small networks on a CPU.
    @tf.function(input_signature=shapes, jit_compile=False)
    def step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = network(images, training=True)
            loss = loss_of(labels, outputs)
            total = tf.add_n([loss, *network.losses])
        gradients = tape.gradient(total, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        if result is not network:
            # The first steps count for little: an average over all of them would start from random weights.
            done = tf.cast(optimizer.iterations, tf.float32)
            share = 1 - tf.minimum(settings.ema_momentum, (1 + done) / (10 + done))
            for average, weight in zip(result.weights, network.weights, strict=True):
                average.assign_add(share * (weight.value - average.value))
        return sums(labels, outputs, loss)

    @tf.function(input_signature=shapes, jit_compile=False)
    def evaluate(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        outputs = result(images, training=False)
        return sums(labels, outputs, loss_of(labels, outputs))

    return step, evaluate


def _evaluate(evaluate: Callable, data: Iterable) -> tuple[float, float]:
    sums = [evaluate(*batch).numpy() for batch in data if batch[0].shape[0]]
    if not sums:
        raise TrazoError("no validation row has a usable image and label")
    loss, metric, rows = np.sum(sums, axis=0, dtype=float)
    return float(loss / rows), float(metric / rows)


def _add_time(progress: Progress, started: float) -> float:
    now = time.monotonic()
    progress.seconds += now - started
    progress.epoch_seconds += now - started
    return now


def _end_epoch(
    progress: Progress,
    config: CnnConfig,
    optimizer: keras.optimizers.Optimizer,
    val_loss: float,
    val_metric: float,
) -> None:
    metric = heads.HEADS[config.task].metric
    loss, value, rows = progress.sums
    progress.epoch += 1
    progress.history.append(
        {
            "epoch": progress.epoch,
            "loss": loss / rows,
            metric: value / rows,
            "val_loss": val_loss,
            f"val_{metric}": val_metric,
            "learning_rate": float(optimizer.learning_rate),
            "seconds": round(progress.epoch_seconds, 2),
        }
    )
    progress.batch, progress.sums, progress.epoch_seconds = 0, [0.0, 0.0, 0.0], 0.0


class _Bar:
    """A progress bar over one epoch, on a terminal; elsewhere one line an epoch."""

    def __init__(self, progress: Progress, epochs: int, steps: int, verbose: bool) -> None:
        self._verbose = verbose
        self._title = f"epoch {progress.epoch + 1}/{epochs}"
        hidden = None if verbose else True  # None: hidden unless the output is a terminal
        self._bar = tqdm(
            total=steps, initial=progress.batch, desc=self._title, unit="batch", leave=False, disable=hidden
        )

    def update(self, progress: Progress) -> None:
        loss, _, rows = progress.sums
        self._bar.set_postfix(loss=f"{loss / max(rows, 1):.4f}", refresh=False)
        self._bar.update()

    def end(self, row: dict[str, float]) -> None:
        self._bar.close()
        if self._verbose:
            values = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "epoch")
            print(f"{self._title}  {values}", flush=True)
