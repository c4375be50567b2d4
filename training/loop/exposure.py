"""Outlier exposure: a training that also sees drawings of no class, and learns to be undecided about them."""

from dataclasses import dataclass

from model.backend import tf

from model.config import CnnConfig
from training.augmentation.batch_rows import BatchRows
from training.augmentation.digit_variants import check_digits
from training.config import TrainConfig
from training.data.stream import HubStream
from training.outliers.bank import make_outliers
from training.outliers.rows import read_digits

WEIGHT = 0.5  # of the loss, as in the source for images
ROWS_PER_OUTLIER = 8  # of a batch
SEED_OFFSET = 1  # the detector's classifier is fitted on other drawings than the network has seen


@dataclass(frozen=True)
class OutlierExposure:
    """Drawings that join each batch.

    Source: Hendrycks, Mazeika and Dietterich 2019, "Deep Anomaly Detection with Outlier Exposure".

    Attributes:
        images: uint8 (outliers, h, w, c).
        rows: how many join a batch.
        seed: of the choice.
    """

    images: tf.Tensor
    rows: int
    seed: int

    def sample(self, step: tf.Tensor, part: slice = slice(None)) -> tf.Tensor:
        """Return the drawings that join a step's batch, float32 (rows, h, w, c), 0 … 255.

        Args:
            step: int64 (), the steps taken so far: a training that is continued sees the same drawings.
            part: which of them are wanted; see `part_of`.
        """
        chosen = tf.random.stateless_uniform((self.rows,), [self.seed, step], 0, len(self.images), tf.int32)
        return tf.cast(tf.gather(self.images, chosen[part]), tf.float32)

    def part_of(self, rank: int, size: int) -> slice:
        """Return which drawings join the slice of one of several workers."""
        return slice(rank * self.rows // size, (rank + 1) * self.rows // size)

    def join(self, rows: BatchRows, part: slice) -> BatchRows:
        """Return the rows of a batch with those of a part of its drawings, which come after all other rows."""
        drawings = rows.count + tf.range(part.start, part.stop)
        return BatchRows(tf.concat([rows.positions, drawings], 0), rows.count + self.rows)

    def loss(self, logits: tf.Tensor) -> tf.Tensor:
        """Return a part of the weighted mean cross-entropy with equal probabilities: float32 (n, classes) -> ()."""
        return WEIGHT * tf.reduce_sum(tf.reduce_logsumexp(logits, axis=1) - tf.reduce_mean(logits, axis=1)) / self.rows


def make_exposure(config: CnnConfig, settings: TrainConfig, train: HubStream) -> OutlierExposure | None:
    """Return the drawings of no digit that a training sees; None if its settings have no outliers.

    Args:
        config: of a network that recognizes the digits 0 to 9.
        settings: `outliers` says how many.
        train: rows of digits, some of which are changed until they are not digits.

    Raises:
        TrazoError: if there are outliers, and the classes are not these digits.
    """
    if not settings.outliers:
        return None
    check_digits(config.labels, "outliers are drawings of anything but")
    images, labels = read_digits(train, config)
    seed = settings.seed + SEED_OFFSET
    outliers, _ = make_outliers(settings.outliers, images, labels, config.image_shape, seed)
    return OutlierExposure(tf.constant(outliers), max(1, settings.batch_size // ROWS_PER_OUTLIER), seed)
