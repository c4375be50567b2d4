"""Mixup and cutmix: images, and their labels, that get a share of another one of the same batch.

All randomness comes from the seed that is passed in, so a resumed run sees the same images.
"""

from typing import NamedTuple

from model.backend import tf

from training.augmentation.batch_rows import BatchRows
from training.augmentation.config import AugmentConfig
from training.augmentation.transforms import in_rectangle, seed_of, stays_clean


class MixedLabels(NamedTuple):
    """The labels of images that are mixed of two.

    A loss of such a label is that of the first times its share, plus that of the second times the rest. Of a
    cross-entropy, this is the loss of the mixed one-hot rows, also with smoothed labels and weights of classes.

    Attributes:
        first: int64 (n,).
        second: int64 (n,).
        share: float32 (n,): of the first, 0 … 1.
    """

    first: tf.Tensor
    second: tf.Tensor
    share: tf.Tensor


def label_parts(labels: tf.Tensor | MixedLabels) -> list[tuple[tf.Tensor, tf.Tensor | None]]:
    """Return (labels (n,), the share of each row that they count for, None for all of it) of labels that may be mixed.

    Example:
        >>> loss = sum(loss_of(one, outputs, sample_weight=share) for one, share in label_parts(labels))
    """
    if not isinstance(labels, MixedLabels):
        return [(labels, None)]
    return [(labels.first, labels.share), (labels.second, 1 - labels.share)]


def mix_images(
    images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, config: AugmentConfig, rows: BatchRows | None = None
) -> tuple[tf.Tensor, tf.Tensor | MixedLabels]:
    """Mix some images of a batch with others of it. The other images are those after all other augmentations.

    Each image has another share, uniform from 0 to 1: the Beta distribution of both papers for small images.

    Sources: Zhang, Cissé, Dauphin and Lopez-Paz 2018, "mixup: Beyond Empirical Risk Minimization"; Yun, Han, Oh, Chun,
    Choe and Yoo 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features".

    Args:
        images: float32 (n, h, w, c).
        labels: int64 (n,); or float32 (n,), the numbers of a regression, which are mixed as the images are.
        seed: int32 (2,); equal seeds give equal images.
        config: its `mixup`, `cutmix` and `clean_fraction`.
        rows: which rows of the batch the images are; None for all.

    Returns:
        (float32 (n, h, w, c), labels). An image that is not mixed has a share of 1.
    """
    count = tf.shape(images)[0]
    rows = rows or BatchRows.whole(count)
    kept, other = tf.ones((count, 1, 1, 1)), tf.range(count)  # share of each pixel that is kept; the image of the rest
    if config.mixup:
        r = rows.uniform(seed_of("mixup", seed), before=(3,))
        chosen = r[0] < config.mixup
        kept = tf.where(chosen[:, None, None, None], r[1][:, None, None, None], kept)
        other = tf.where(chosen, tf.argsort(r[2]), other)
    if config.cutmix:
        r = rows.uniform(seed_of("cutmix", seed), before=(5,), after=(1,))
        chosen = r[0, :, 0] < config.cutmix
        outside = 1 - tf.cast(in_rectangle(images, r[1], tf.ones_like(r[1]), r[2:4]), tf.float32)
        kept = tf.where(chosen[:, None, None, None], outside[..., None], kept)
        other = tf.where(chosen, tf.argsort(r[4, :, 0]), other)
    if config.clean_fraction:
        kept = tf.where(stays_clean(rows, seed, config), 1.0, kept)
    share = tf.reduce_mean(kept, axis=(1, 2, 3))
    mixed, others = kept * images + (1 - kept) * tf.gather(images, other), tf.gather(labels, other)
    if labels.dtype.is_floating:
        return mixed, share * labels + (1 - share) * others
    return mixed, MixedLabels(labels, others, share)
