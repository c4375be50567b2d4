"""The training loop. `fit` is the whole of it; the functions below stand in the order in which it calls them.

A training can be killed at any step. Started again, it continues from its checkpoint and ends with the same weights to
the last bit: all randomness follows from (seed, epoch, batch), and the checkpoint holds everything else that changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from model.backend import keras, keras_defaults, tf
import numpy as np

from model.config import CnnConfig
from model.errors import TrazoError
from model.heads import HEADS
from model.io.reports.schema import utc_timestamp
from model.network import build_network
from model.scores import r_squared, score_classes
from model.words import counted
from training.augmentation.checks import check_augmentation
from training.config import TrainConfig
from training.data.stream import HubStream
from training.loop.checkpoint import SAVE_INTERVAL_S, Checkpointer, share_state
from training.loop.exposure import make_exposure
from training.loop.fast_layers import with_fast_layers
from training.loop.optimizer import make_optimizer
from training.loop.precision import dtype_policy, usable_precision
from training.loop.progress_bar import EpochBar, log_epoch
from training.loop.shared_layers import with_shared_layers
from training.loop.skipped_rows import SkippedRows
from training.loop.state import Progress, TrainState
from training.loop.steps import EvalStep, Labels, TrainStep, compile_steps
from training.loop.workers import ALONE, Workers
from training.pipeline import (
    SourceError,
    WorkerBatch,
    iterate_with_source_errors,
    make_eval_data,
    make_train_data,
    make_worker_data,
)

# Images float32 (n, h, w, c), raw pixels 0 … 255; labels (n,).
TensorBatch = tuple[tf.Tensor, Labels] | WorkerBatch


@dataclass(frozen=True)
class Start:
    """The weights that a training starts from.

    Attributes:
        assign: gives a fresh network these weights.
        identity: what they are, as JSON: with others, a checkpoint is not continued.
    """

    assign: Callable[[keras.Model], None]
    identity: dict[str, Any]


@keras_defaults()
def fit(
    config: CnnConfig,
    settings: TrainConfig,
    train: HubStream,
    validation: HubStream,
    *,
    start: Start | None = None,
    checkpoint: Path | None = None,
    save_every_s: float = SAVE_INTERVAL_S,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
    verbose: bool = True,
    workers: Workers = ALONE,
) -> tuple[keras.Model, Progress]:
    """Train a network, from its checkpoint if there is one, and return the weights that were best on validation.

    Several workers call this with the same arguments, and train one network together: each takes its slice of every
    batch, and all decide the same from the same sums. Only the first one reads and writes the checkpoint.

    Args:
        config: the network; its scaling is already fitted.
        settings: how to train.
        train: the rows to learn from; its batch size and seed are those of the settings.
        validation: the rows held out; their loss decides which epoch is best and when to stop.
        start: the weights at the start; None for fresh ones.
        checkpoint: the file that holds the whole state, written every `save_every_s` seconds and after each epoch;
            None for no file. A training that is killed and started again with the same arguments ends with the same
            bits, on the same machine with the same number of threads.
        save_every_s: seconds between two checkpoints within an epoch.
        on_epoch: called after each epoch.
        verbose: show a progress bar, and log each epoch.
        workers: that train together.

    Returns:
        (network, progress).

    Raises:
        TrazoError: if the loss is no longer finite, no validation row is usable, or the checkpoint belongs to
            another run.

    Example:
        >>> train, validation = HubStream("ylecun/mnist").hold_out(0.1)
        >>> network, progress = fit(CnnConfig(), TrainConfig(epochs=3), train, validation)
    """
    check_task_settings(config, settings)
    settings = replace(settings, precision=usable_precision(settings.precision))
    steps = min(len(train), settings.steps_per_epoch or len(train))

    state = create_train_state(config, settings, steps, start, workers)
    identity = run_identity(config, settings, train, validation)
    full_identity = identity | ({"start": start.identity} if start else {})
    checkpointer = Checkpointer(checkpoint if workers.is_first else None, full_identity, save_every_s)
    checkpointer.restore(state)
    share_state(state, identity, workers)  # the other workers get no `start`
    exposure = None if state.progress.finished else make_exposure(config, settings, train)
    if workers.size > 1:
        train, validation = (one.for_worker(workers.rank, workers.size) for one in (train, validation))
    train_step, eval_step = compile_steps(state, config, settings, exposure, workers)
    skipped = SkippedRows(workers, train, validation)
    batches = train_batches(train, state.progress, config, settings, steps, workers)

    while not state.progress.finished:
        with EpochBar(state.progress, settings.epochs, steps, verbose) as bar:
            train_epoch(state, batches, train_step, steps, checkpointer, bar)
            measures = validate(eval_step, validation, config, workers)
        finish_epoch(state, settings, HEADS[config.task].metric, measures)
        if verbose:
            log_epoch(state.progress, settings.epochs)
        skipped.report()
        checkpointer.save(state)
        on_epoch(state.progress)
    return restore_best(state), state.progress


def check_task_settings(config: CnnConfig, settings: TrainConfig) -> None:
    """Refuse settings that do not suit the network's task.

    Raises:
        TrazoError: for an augmentation of other images, or class weights that do not fit the classes.
    """
    check_augmentation(settings, config.task, config.labels)
    weights = settings.class_weight_values
    if (settings.class_weights or weights) and (config.task == "regression" or len(weights) != len(config.labels)):
        raise TrazoError("class weights are for classes, and need class_weight_values, one number per class")


def create_train_state(
    config: CnnConfig,
    settings: TrainConfig,
    steps: int,
    start: Start | None = None,
    workers: Workers = ALONE,
) -> TrainState:
    """Return the state before the first step, with a fresh optimizer.

    Args:
        config: the network.
        settings: how to train; fresh weights follow from its seed.
        steps: the steps of an epoch.
        start: the weights; None for fresh ones.
        workers: that train together.
    """
    keras.utils.set_random_seed(settings.seed)
    network = build_network(config, dtype_policy(settings.precision))
    network = with_fast_layers(network) if workers.size == 1 else with_shared_layers(network, workers)
    if start:
        start.assign(network)
    optimizer = make_optimizer(settings, steps)
    optimizer.build(network.trainable_variables)
    # Validated and returned: computes in float32, and holds the moving average of the weights if there is one.
    ema_network = network
    if settings.ema_momentum or settings.precision != "float32":
        ema_network = build_network(config)
        for average, weight in zip(ema_network.weights, network.weights, strict=True):
            average.assign(weight)
    return TrainState(network, ema_network, optimizer)


def run_identity(
    config: CnnConfig, settings: TrainConfig, train: HubStream, validation: HubStream
) -> dict[str, dict[str, Any]]:
    """Return everything that must be equal for a checkpoint to be continued, as JSON."""
    return {
        "config": asdict(config) | {"title": None},  # the name of the data's folder decides nothing
        "training": asdict(settings),
        "data": {"train": train.key, "validation": validation.key, "window_rows": train.window_rows},
    }


def train_batches(
    train: HubStream,
    progress: Progress,
    config: CnnConfig,
    settings: TrainConfig,
    steps: int,
    workers: Workers = ALONE,
) -> Iterator[TensorBatch]:
    """Return the batches of all epochs that are left, without a gap between two epochs."""
    source_error = SourceError()
    make_data = make_train_data if workers.size == 1 else make_worker_data
    data = make_data(
        train,
        progress.epoch,
        start=progress.batch,
        epochs=settings.epochs - progress.epoch,
        steps=steps,
        image_shape=config.image_shape,
        pixel_format=config.pixel_format,
        augment=settings,
        source_error=source_error,
    )
    return iterate_with_source_errors(data, source_error)


def train_epoch(
    state: TrainState,
    batches: Iterator[TensorBatch],
    train_step: TrainStep,
    steps: int,
    checkpointer: Checkpointer,
    bar: EpochBar,
) -> None:
    """Take the steps of the current epoch that are left.

    Raises:
        TrazoError: if the loss is no longer finite.
    """
    progress = state.progress
    state.start_clock()
    while progress.batch < steps:
        batch = next(batches)
        # 0 if no row of the batch was usable; of several workers, one may have some.
        if batch[0].shape[0] or isinstance(batch, WorkerBatch):
            sums = train_step(*batch).numpy()
            progress.sums = [total + float(value) for total, value in zip(progress.sums, sums, strict=True)]
        progress.batch += 1
        bar.update(progress)
        if not np.isfinite(progress.sums[0]):
            raise TrazoError(
                f"the loss is no longer finite in epoch {progress.epoch + 1}, batch {progress.batch}; "
                "a smaller learning rate, or another loss or scaling, may help"
            )
        checkpointer.save_if_due(state)


def validate(
    eval_step: EvalStep, validation: HubStream, config: CnnConfig, workers: Workers = ALONE
) -> dict[str, float]:
    """Return the measures over all validation rows, those of all workers.

    Returns:
        `loss`; of classes `accuracy`, `balanced_accuracy` and `macro_f1`; of a regression `mean_absolute_error` and
        `r2`, which is NaN if all targets are equal.

    Raises:
        TrazoError: if no row is usable.
    """
    source_error, target_type = SourceError(), np.float32 if config.task == "regression" else np.int64
    data = make_eval_data(
        validation, image_shape=config.image_shape, pixel_format=config.pixel_format, source_error=source_error
    )
    sums, answers, targets = np.zeros(3), [np.zeros(0, target_type)], [np.zeros(0, target_type)]
    for images, labels in iterate_with_source_errors(data, source_error):
        if images.shape[0]:  # 0 if no row of the batch was usable
            batch_sums, batch_answers = eval_step(images, labels)
            sums += batch_sums.numpy()
            answers.append(batch_answers.numpy())
            targets.append(labels.numpy())
    loss, metric, rows = workers.sum_array(sums)
    if not rows:
        raise TrazoError("no validation row has a usable image and label")
    measures = {"loss": float(loss / rows), HEADS[config.task].metric: float(metric / rows)}
    all_targets, all_answers = (workers.gather(np.concatenate(one)) for one in (targets, answers))
    return measures | further_measures(all_targets, all_answers, config)


def further_measures(targets: np.ndarray, answers: np.ndarray, config: CnnConfig) -> dict[str, float]:
    """Return what is measured next to the task's metric: R², or balanced accuracy and macro F1.

    Args:
        targets: int64 or float32 (n,).
        answers: the same, of the network.
        config: of the network.
    """
    if config.task == "regression":
        explained = r_squared(targets, answers)
        return {"r2": np.nan if explained is None else explained}
    scores = score_classes(targets, answers, len(config.labels))
    return {"balanced_accuracy": scores.balanced_accuracy, "macro_f1": scores.macro_f1}


def finish_epoch(state: TrainState, settings: TrainConfig, metric_name: str, measures: dict[str, float]) -> None:
    """Add the epoch to the history, keep its weights if they are the best so far, and decide whether it was the last.

    Args:
        state: at the end of the epoch.
        settings: of the training.
        metric_name: of what `state.progress.sums` holds next to the loss.
        measures: on validation, as `validate` returns them.

    Raises:
        TrazoError: if the first validation loss is not finite; there would be no best weights.
    """
    progress, val_loss = state.progress, measures["loss"]
    if not np.isfinite(val_loss) and state.best_weights is None:
        raise TrazoError(
            f"the loss on validation is not finite in epoch {progress.epoch + 1}; "
            "a smaller learning rate, or another loss or scaling, may help"
        )
    state.count_seconds()
    loss_sum, metric_sum, rows = progress.sums
    if not rows:
        raise TrazoError(
            f"no row of the {counted(progress.batch, 'batch', 'batches')} of epoch {progress.epoch + 1} has a usable "
            "image and label; give a larger --batch-size, or more --steps-per-epoch"
        )
    progress.epoch += 1
    progress.history.append(
        {
            "epoch": progress.epoch,
            "loss": loss_sum / rows,
            metric_name: metric_sum / rows,
            **{f"val_{name}": value for name, value in measures.items()},
            "learning_rate": float(state.optimizer.learning_rate),
            "seconds": round(progress.epoch_seconds, 2),
        }
    )
    progress.batch, progress.sums, progress.epoch_seconds = 0, [0.0, 0.0, 0.0], 0.0
    if val_loss < progress.best_loss:
        progress.best_loss, progress.best_epoch = val_loss, progress.epoch
        state.best_weights = [weight.numpy() for weight in state.ema_network.weights]
    progress.finished = progress.epoch >= settings.epochs or progress.stopped_early(settings.patience)
    if progress.finished:
        progress.ended = utc_timestamp()


def restore_best(state: TrainState) -> keras.Model:
    """Return the network with the weights of the best epoch."""
    assert state.best_weights is not None  # `finish_epoch` refuses a first validation loss that is not finite
    for weight, best in zip(state.ema_network.weights, state.best_weights, strict=True):
        weight.assign(best)
    return state.ema_network
