"""Outlier exposure: a training that also sees drawings of no class, and learns to be undecided about them.

Digits that were drawn again, in the same way, join them. Otherwise the network would be undecided about every drawing.
"""

from dataclasses import dataclass

from model.backend import tf

from model.config import CnnConfig
from training.augmentation.batch_rows import BatchRows
from training.augmentation.digit_variants import check_digits
from training.augmentation.scans import scan_coarsely
from training.augmentation.transforms import augment, seed_of
from training.config import TrainConfig
from training.data.stream import HubStream
from training.outliers.bank import make_outliers, redraw_digits
from training.outliers.rows import read_digits

WEIGHT = 0.5  # of the loss for outliers, as in the source for images
DIGITS_WEIGHT = 0.25  # of that for digits
ROWS_PER_OUTLIER = 8  # of a batch
NO_DIGIT = -1  # the label of an outlier
CHOICE = 1000  # no augmentation has this number
SEED_OFFSET = 1  # the drawings are chosen and augmented by other random numbers than the rows


@dataclass(frozen=True)
class OutlierExposure:
    """Drawings that join each batch.

    Source: Hendrycks, Mazeika and Dietterich 2019, "Deep Anomaly Detection with Outlier Exposure".

    Attributes:
        outliers: uint8 (outliers, h, w, c).
        digits: uint8 (digits, h, w, c), drawn again.
        labels: int64 (digits,).
        rows: how many join a batch; every second one is an outlier.
        settings: how both are augmented, like all other rows: a network would tell them by that.
    """

    outliers: tf.Tensor
    digits: tf.Tensor
    labels: tf.Tensor
    rows: int
    settings: TrainConfig

    def sample(self, step: tf.Tensor, part: slice = slice(None)) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the drawings that join a step's batch, and their labels.

        Args:
            step: int64 (), the steps taken so far: a training that is continued sees the same drawings.
            part: which of them are wanted; see `part_of`.

        Returns:
            (float32 (rows, h, w, c), 0 … 255; int64 (rows,), `NO_DIGIT` for outliers).
        """
        seed = tf.cast(tf.stack([tf.constant(self.settings.seed + SEED_OFFSET, tf.int64), step]), tf.int32)
        rows = BatchRows(tf.range(self.rows)[part], tf.constant(self.rows))
        share = rows.uniform(tf.random.experimental.stateless_fold_in(seed, CHOICE))
        is_outlier = rows.positions % 2 == 0

        def choose(bank: tf.Tensor) -> tf.Tensor:
            return tf.gather(bank, tf.minimum(tf.cast(share * len(bank), tf.int32), len(bank) - 1))

        images = tf.where(is_outlier[:, None, None, None], choose(self.outliers), choose(self.digits))
        labels = tf.where(is_outlier, tf.constant(NO_DIGIT, tf.int64), choose(self.labels))
        images = tf.cast(images, tf.float32)
        if self.settings.coarse_scans:
            images = scan_coarsely(images, seed_of("coarse_scans", seed), self.settings.coarse_scans, rows)
        return augment(images, seed, self.settings, rows), labels

    def part_of(self, rank: int, size: int) -> slice:
        """Return which drawings join the slice of one of several workers."""
        return slice(rank * self.rows // size, (rank + 1) * self.rows // size)

    def join(self, rows: BatchRows, part: slice) -> BatchRows:
        """Return the rows of a batch with those of a part of its drawings, which come after all other rows."""
        drawings = rows.count + tf.range(part.start, part.stop)
        return BatchRows(tf.concat([rows.positions, drawings], 0), rows.count + self.rows)

    def loss(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Return a part of the weighted mean cross-entropies, of outliers with equal probabilities.

        Args:
            logits: float32 (n, classes).
            labels: int64 (n,), `NO_DIGIT` for outliers.

        Returns:
            float32 ().
        """
        of_label = tf.reduce_sum(logits * tf.one_hot(labels, logits.shape[1]), axis=1)
        is_outlier = labels == NO_DIGIT
        wanted = tf.where(is_outlier, tf.reduce_mean(logits, axis=1), of_label)
        weights = tf.where(is_outlier, WEIGHT, DIGITS_WEIGHT)
        return 2 / self.rows * tf.reduce_sum(weights * (tf.reduce_logsumexp(logits, axis=1) - wanted))


def make_exposure(config: CnnConfig, settings: TrainConfig, train: HubStream) -> OutlierExposure | None:
    """Return the drawings that a training sees; None if its settings have no outliers.

    Args:
        config: of a network that recognizes the digits 0 to 9.
        settings: `outliers` says how many.
        train: rows of digits, which are drawn again, or changed until they are not digits.

    Raises:
        TrazoError: if there are outliers, and the classes are not these digits.
    """
    if not settings.outliers:
        return None
    check_digits(config.labels, "outliers are drawings of anything but")
    images, digits = read_digits(train, config)
    seed = settings.seed + SEED_OFFSET
    outliers, _ = make_outliers(settings.outliers, images, digits, config.image_shape, seed)
    redrawn, labels = redraw_digits(settings.outliers, images, digits, config.image_shape, seed)
    rows = 2 * max(1, settings.batch_size // ROWS_PER_OUTLIER)
    return OutlierExposure(tf.constant(outliers), tf.constant(redrawn), tf.constant(labels), rows, settings)
