"""A global batch that several workers hold in slices: which of its rows can be used, and rows mixed of two workers'."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from model.backend import tf

from training.augmentation.batch_rows import BatchRows
from training.augmentation.config import AugmentConfig
from training.augmentation.mixing import MixedLabels, mix_images
from training.loop.workers import Workers

_rows: ContextVar[BatchRows] = ContextVar("rows")


@contextmanager
def rows_of_batch(rows: BatchRows) -> Iterator[None]:
    """Inside the block, say which rows of the global batch the network is called with; see `current_rows`."""
    token = _rows.set(rows)
    try:
        yield
    finally:
        _rows.reset(token)


def current_rows() -> BatchRows:
    """Return the rows of `rows_of_batch`."""
    return _rows.get()


def exchange_usable_rows(rows: BatchRows, workers: Workers) -> tf.Tensor:
    """Return which rows of the global batch can be used, int32 (count,): 1 if so, else 0.

    Args:
        rows: of this worker, which can all be used.
        workers: that have the slices; called in `Workers.run`.
    """
    return tf.cast(workers.sum_tensors(_placed(tf.ones_like(rows.positions, tf.float32), rows)), tf.int32)


def usable_rows(rows: BatchRows, usable: tf.Tensor) -> BatchRows:
    """Return the rows of this worker among those that can be used, as one process would number them.

    Args:
        rows: of this worker in the global batch.
        usable: from `exchange_usable_rows`.
    """
    return BatchRows(tf.gather(tf.cumsum(usable) - 1, rows.positions), tf.reduce_sum(usable))


def mix_with_all(
    images: tf.Tensor,
    labels: tf.Tensor,
    rows: BatchRows,
    seed: tf.Tensor,
    config: AugmentConfig,
    usable: tf.Tensor,
    workers: Workers,
) -> tuple[tf.Tensor, tf.Tensor | MixedLabels]:
    """Mix images of a worker's slice with those of all slices, as `mix_images` mixes a batch.

    Args:
        images: float32 (n, h, w, c), of this worker.
        labels: (n,), theirs.
        rows: which ones they are.
        seed: int32 (2,), of the batch.
        config: how much is mixed.
        usable: from `exchange_usable_rows`.
        workers: that have the slices; called in `Workers.run`.
    """
    positions = tf.cast(tf.where(usable)[:, 0], tf.int32)
    all_images, all_labels = (tf.gather(workers.sum_tensors(_placed(x, rows)), positions) for x in (images, labels))
    mixed = mix_images(all_images, all_labels, seed, config, BatchRows(positions, rows.count))
    own = usable_rows(rows, usable).positions
    return tf.nest.map_structure(lambda values: tf.gather(values, own), mixed)


def _placed(values: tf.Tensor, rows: BatchRows) -> tf.Tensor:
    """Return values of a slice at their places in the global batch, which is 0 elsewhere."""
    shape = tf.concat([rows.count[None], tf.shape(values)[1:]], 0)
    placed = tf.scatter_nd(rows.positions[:, None], values, shape)
    return tf.ensure_shape(placed, (None, *values.shape[1:]))
