"""Encoded batches -> `tf.data`: `make_train_data` for training, `make_eval_data` for evaluation.

`make_worker_data` is for one of several processes that train together.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from model.backend import tf
import numpy as np

from model.pixel_format import PixelFormat
from training.augmentation import transforms
from training.augmentation.batch_rows import BatchRows
from training.augmentation.config import AugmentConfig
from training.augmentation.digit_variants import add_regional_strokes
from training.augmentation.mixing import mix_images
from training.augmentation.scans import scan_coarsely
from training.data.batches import Batch
from training.data.decode import decoded_groups
from training.data.image_shape import sample_image_shape
from training.data.pixel_cache import open_pixel_cache
from training.data.stream import HubStream
from training.devices import prefetch_to_gpu

# For functions in which no Python statement depends on a tensor's value. AutoGraph would rewrite the source of each
# function they call, which takes seconds at the start of a training.
without_autograph = tf.autograph.experimental.do_not_convert

PREFETCHED_BATCHES = 4  # that wait between decoding and the network


class SourceError:
    """Holds the exception that a stream raised inside TensorFlow, which itself keeps only the text.

    Pass the same object to `make_train_data` or `make_eval_data`, and to `iterate_with_source_errors`.

    Attributes:
        error: the exception; None if there was none.
    """

    def __init__(self) -> None:
        """Start without an error."""
        self.error: Exception | None = None


def make_train_data(
    stream: HubStream,
    epoch: int = 0,
    *,
    start: int = 0,
    epochs: int = 1,
    steps: int | None = None,
    image_shape: tuple[int, int, int] | None = None,
    pixel_format: PixelFormat = PixelFormat(),
    augment: AugmentConfig = AugmentConfig(),
    source_error: SourceError | None = None,
) -> tf.data.Dataset:
    """Return shuffled and augmented batches for training.

    Args:
        stream: where the rows come from.
        epoch: the first epoch, from 0.
        start: the first batch of that epoch.
        epochs: how many epochs follow each other without a gap.
        steps: batches per epoch; None for all of them.
        image_shape: height, width, channels that images are resized to; None for those of most images.
        pixel_format: which values of the files are black and white.
        augment: how much the images are changed; `AugmentConfig(augment=0)` leaves them as they are.
        source_error: receives an exception of the stream.

    Returns:
        a dataset of (images float32 (n, h, w, c), raw pixels 0 … 255; labels (n,)), `steps` batches per epoch. The
        last batch of an epoch is smaller if the rows do not divide evenly; it is kept. With mixup or cutmix, the labels
        of classes are `MixedLabels`.

    Example:
        >>> stream = HubStream("ylecun/mnist", batch_size=128)
        >>> for images, labels in make_train_data(stream, epochs=3, augment=AugmentConfig(stroke_jitter=0.5)): ...
    """

    @without_autograph
    def mixed(images: tf.Tensor, labels: tf.Tensor, rows: BatchRows, seed: tf.Tensor) -> tuple:
        return mix_images(images, labels, seed, augment, rows) if augment.mixes_images else (images, labels)

    span = _Span(stream, epoch, start, epochs, steps)
    shape = image_shape or sample_image_shape(stream)
    if not augment.is_active:
        return _prefetched(_decoded(stream, span.batches, shape, pixel_format, source_error))
    return _prefetched(_augmented(span, shape, pixel_format, augment, source_error, mixed))


class WorkerBatch(NamedTuple):
    """A worker's slice of a global batch.

    Attributes:
        images: float32 (n, h, w, c), raw pixels 0 … 255.
        labels: (n,).
        rows: which rows of the global batch these are.
        seed: int32 (2,), of the global batch.
    """

    images: tf.Tensor
    labels: tf.Tensor
    rows: BatchRows
    seed: tf.Tensor


def make_worker_data(
    stream: HubStream,
    epoch: int = 0,
    *,
    start: int = 0,
    epochs: int = 1,
    steps: int | None = None,
    image_shape: tuple[int, int, int] | None = None,
    pixel_format: PixelFormat = PixelFormat(),
    augment: AugmentConfig = AugmentConfig(),
    source_error: SourceError | None = None,
) -> tf.data.Dataset:
    """Return this worker's slices of shuffled and augmented batches, not mixed yet: that takes images of all workers.

    The arguments are those of `make_train_data`.

    Args:
        stream: its rank and world size say which slices.
        epoch: the first epoch, from 0.
        start: the first batch of that epoch.
        epochs: how many epochs follow each other without a gap.
        steps: batches per epoch; None for all of them.
        image_shape: height, width, channels that images are resized to; None for those of most images.
        pixel_format: which values of the files are black and white.
        augment: how much the images are changed.
        source_error: receives an exception of the stream.

    Returns:
        a dataset of `WorkerBatch`, as many in every worker; a slice may have no rows.
    """
    span = _Span(stream, epoch, start, epochs, steps)
    shape = image_shape or sample_image_shape(stream)
    return _prefetched(_augmented(span, shape, pixel_format, augment, source_error, WorkerBatch))


def make_eval_data(
    stream: HubStream,
    *,
    start: int = 0,
    image_shape: tuple[int, int, int] | None = None,
    pixel_format: PixelFormat = PixelFormat(),
    source_error: SourceError | None = None,
) -> tf.data.Dataset:
    """Return every row once, in file order, without augmentation.

    Args:
        stream: where the rows come from.
        start: the first batch.
        image_shape: height, width, channels that images are resized to; None for those of most images.
        pixel_format: which values of the files are black and white.
        source_error: receives an exception of the stream.

    Returns:
        a dataset of (images float32 (n, h, w, c), raw pixels 0 … 255; labels (n,)). The last, smaller batch is kept.
    """
    batches = partial(stream.ordered, start, in_parts=True)
    data = _decoded(stream, batches, image_shape or sample_image_shape(stream), pixel_format, source_error)
    return _prefetched(data)


def iterate_with_source_errors(
    data: tf.data.Dataset, source_error: SourceError
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Iterate over a dataset that was made with this `source_error`.

    Raises:
        TrazoError: the original stream error instead of TensorFlow's wrapper.
    """
    source_error.error = None
    iterator = iter(data)
    try:
        yield from iterator
    except tf.errors.OpError as error:
        raise (source_error.error or error) from None
    finally:
        # Its threads call Python: one that outlives the interpreter would wait for it forever.
        del iterator


class _Span:
    """The batches of some epochs, from one on."""

    def __init__(self, stream: HubStream, epoch: int, start: int, epochs: int, steps: int | None) -> None:
        self.stream, self.epoch, self.epochs = stream, epoch, epochs
        self.steps = len(stream) if steps is None else min(steps, len(stream))
        self.start = min(start, self.steps)

    def batches(self) -> Iterator[Batch]:
        numbers = range(self.epoch, self.epoch + self.epochs)
        return self.stream.epochs(numbers, self.start, self.steps, in_parts=True)

    def sizes_and_seeds(self) -> tf.data.Dataset:
        """Return (rows int32, seed int32 (2,)) of each global batch: they follow from (seed, epoch, batch)."""
        stream, steps = self.stream, self.steps

        @without_autograph
        def of_batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            batch = number % steps
            size = tf.minimum(tf.constant(stream.batch_size, tf.int64), stream.rows - batch * stream.batch_size)
            of_epoch = tf.random.stateless_uniform((2,), tf.stack([stream.seed, number // steps]), None, None, tf.int64)
            of_first = of_epoch + tf.stack([batch, tf.zeros_like(batch)])
            return tf.cast(size, tf.int32), tf.random.stateless_uniform((2,), of_first, None, None, tf.int32)

        return tf.data.Dataset.range(self.epoch * steps + self.start, (self.epoch + self.epochs) * steps).map(of_batch)


def _augmented(
    span: _Span,
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat,
    augment: AugmentConfig,
    source_error: SourceError | None,
    finish: Callable,
) -> tf.data.Dataset:
    """Return what `finish` makes of augmented images, their labels, `BatchRows`, and the seed of the batch."""

    @without_autograph
    def augmented(batch: tuple[tf.Tensor, ...], size_and_seed: tuple[tf.Tensor, tf.Tensor]) -> tuple:
        (images, labels, positions), (size, seed) = batch, size_and_seed
        rows = BatchRows(positions, size)
        if augment.digit_variants:
            variant_seed = transforms.seed_of("digit_variants", seed)
            images = add_regional_strokes(images, labels, variant_seed, augment.digit_variants, rows)
        if augment.coarse_scans:
            images = scan_coarsely(images, transforms.seed_of("coarse_scans", seed), augment.coarse_scans, rows)
        return finish(transforms.augment(images, seed, augment, rows), labels, rows, seed)

    data = _decoded(span.stream, span.batches, image_shape, pixel_format, source_error, with_positions=True)
    return tf.data.Dataset.zip(data, span.sizes_and_seeds()).map(augmented)


def _decoded(
    stream: HubStream,
    batches: Callable[[], Iterator[Batch]],
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat,
    source_error: SourceError | None,
    with_positions: bool = False,
) -> tf.data.Dataset:
    """Return decoded batches (images, labels), if wanted with the positions of the rows in the global batch.

    They enter tf.data as bytes, in the groups in which they were decoded, for speed.
    """
    signature = (
        tf.TensorSpec((None, *image_shape), tf.uint8),
        tf.TensorSpec((None,), tf.float32 if stream.task == "regression" else tf.int64),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((None,), tf.int64),  # where each batch starts, and the end of the last one
    )

    def groups() -> Iterator[tuple[np.ndarray, ...]]:
        try:
            kept = open_pixel_cache(stream, image_shape, pixel_format)
            for group in decoded_groups(stream, batches(), image_shape, pixel_format, kept):
                ends = np.cumsum([0, *(len(labels) for _, labels, _, _ in group)])
                images, labels, positions = (_concatenate([batch[column] for batch in group]) for column in (0, 1, 3))
                yield images, labels, positions.astype(np.int32), ends
        except Exception as error:
            if source_error is not None:
                source_error.error = error
            raise

    @without_autograph
    def split(images: tf.Tensor, labels: tf.Tensor, positions: tf.Tensor, ends: tf.Tensor) -> tf.data.Dataset:
        @without_autograph
        def batch(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
            low, high = ends[number], ends[number + 1]
            columns = tf.cast(images[low:high], tf.float32), labels[low:high]
            return (*columns, positions[low:high]) if with_positions else columns

        return tf.data.Dataset.range(tf.size(ends, tf.int64) - 1).map(batch)

    return tf.data.Dataset.from_generator(groups, output_signature=signature).flat_map(split)


def _concatenate(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)  # a single part is not copied


def _prefetched(data: tf.data.Dataset) -> tf.data.Dataset:
    # Every stage has a fixed size, so there is nothing to autotune, and the autotuner's thread would now and then delay
    # the end of an epoch by a second.
    options = tf.data.Options()
    options.autotune.enabled = False
    return prefetch_to_gpu(data.prefetch(PREFETCHED_BATCHES).with_options(options))
