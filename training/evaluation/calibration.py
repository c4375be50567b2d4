"""What is fitted after the weights: a temperature for calibrated confidence, and a detector of unfamiliar images."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from model.backend import keras, keras_defaults, tf
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from sklearn.covariance import LedoitWolf

from model import CnnConfig, CnnModel, TrazoError
from model.network import build_network
from model.ood import OODDetector, build_features, log_odds_of_error
from training.data.batches import Batch
from training.data.decode import decoded_batches
from training.data.stream import HubStream

logger = logging.getLogger("trazo")

ACCEPT_QUANTILE = 0.99  # share of the validation rows that are not rejected
# Of the rest, what the distance rejects if the network has learned from outliers; its confidence rejects the others. It
# knows drawings better, and less of other images.
DISTANCE_SHARE = 0.25
MAX_FEATURE_ROWS = 10_000  # of the training, that the classes' means and covariance are estimated from
MAX_FEATURES = 4096  # with more, the whitening matrix grows larger than most networks; no detector is fitted
MIN_DATASET_ROWS = 100  # of validation; a quantile of fewer says little
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0


class LogitsAndFeatures(NamedTuple):
    """What a network makes of some rows.

    Attributes:
        logits: float32 (n, units), before softmax or sigmoid.
        features: float32 (m, features) of the first `MAX_FEATURE_ROWS`; None if there are too many features.
        labels: int64 (n,).
        datasets: int64 (n,), which dataset each row is from; None if that is not known.
    """

    logits: np.ndarray
    features: np.ndarray | None
    labels: np.ndarray
    datasets: np.ndarray | None = None


@keras_defaults()
def calibrate(
    config: CnnConfig,
    network: keras.Model,
    train: HubStream,
    validation: HubStream,
    knows_outliers: bool = False,
) -> CnnModel:
    """Return a model with calibrated confidence and a detector of images unlike those it was trained on.

    Args:
        config: of the network.
        network: trained.
        train: rows that show what is familiar; of its first epoch, without augmentation, `MAX_FEATURE_ROWS` are read.
        validation: rows that the temperature and the detector's thresholds are fitted on.
        knows_outliers: the network has learned to be undecided about outliers: the detector rejects what it is
            undecided about.
    """
    if config.task == "regression":
        return CnnModel(config, network)
    run = compile_logits_and_features(config, network)
    validated = collect_logits_and_features(run, config, validation, validation.ordered(in_parts=True))
    familiar = None
    if validated.features is not None:
        batches = train.epochs([0], in_parts=True)
        familiar = collect_logits_and_features(run, config, train, batches, MAX_FEATURE_ROWS)
    return calibrate_on(config, network, familiar, validated, knows_outliers)


@keras_defaults()
def calibrate_on(
    config: CnnConfig,
    network: keras.Model,
    familiar: LogitsAndFeatures | None,
    validated: LogitsAndFeatures,
    knows_outliers: bool = False,
) -> CnnModel:
    """Return what `calibrate` does, from logits and features that are known.

    Args:
        config: of the network, which recognizes classes.
        network: trained.
        familiar: of training rows; None fits no detector.
        validated: of the validation rows.
        knows_outliers: see `calibrate`.
    """
    config = replace(config, temperature=fit_temperature(validated.logits, validated.labels, config.task))
    if familiar is not None:
        assert familiar.features is not None and validated.features is not None
        means, whitening = fit_class_gaussians(familiar.features, familiar.labels, len(config.labels))
        detector = OODDetector(network, config, means, whitening)
        config = _with_thresholds(config, detector, validated, knows_outliers)
    # The temperature is a layer, so the network is built again.
    calibrated = build_network(config)
    for new, old in zip(calibrated.weights, network.weights, strict=True):
        new.assign(old)
    if config.ood_threshold is None:
        return CnnModel(config, calibrated)
    return CnnModel(config, calibrated, ood_detector=OODDetector(calibrated, config, means, whitening))


def fit_temperature(logits: np.ndarray, labels: np.ndarray, task: str) -> float:
    """Return the divisor of the logits that gives the labels the highest likelihood.

    Each label counts as correct with a probability of only (n + 1) / (n + 2). Otherwise, if all n rows are predicted
    correctly, the likelihood would rise without end as the temperature falls, and every later prediction, wrong ones
    included, would be made with certainty.

    Sources: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks"; the targets of Platt
    1999, "Probabilistic Outputs for Support Vector Machines".

    Args:
        logits: float (n, units), before softmax or sigmoid.
        labels: int (n,).
        task: binary or multiclass.
    """
    logits = np.concatenate([np.zeros_like(logits), logits], axis=1) if task == "binary" else logits
    logits = logits.astype(np.float64)
    rows, classes = logits.shape
    of_label = logits[np.arange(rows), labels]
    of_others = (logits.sum(axis=1) - of_label) / (classes - 1)
    expected = ((rows + 1) * of_label + of_others) / (rows + 2)  # the mean logit under Platt's targets

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        return float((np.logaddexp.reduce(logits / temperature, axis=1) - expected / temperature).mean())

    bounds = np.log((MIN_TEMPERATURE, MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


@keras_defaults()
def compile_logits_and_features(config: CnnConfig, network: keras.Model) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Return a function of pixels that returns the logits and, if there are at most `MAX_FEATURES`, the features."""
    outputs = [network.get_layer("output").input]
    if config.feature_count <= MAX_FEATURES:
        outputs.append(build_features(network, config))
    inner = keras.Model(network.input, outputs)
    return tf.function(lambda pixels: inner(pixels, training=False), [tf.TensorSpec((None, *config.image_shape))])


def collect_logits_and_features(
    run: Callable[[tf.Tensor], list[tf.Tensor]],
    config: CnnConfig,
    stream: HubStream,
    batches: Iterator[Batch],
    max_rows: int | None = None,
) -> LogitsAndFeatures:
    """Return logits, features and labels of some rows.

    Args:
        run: of `compile_logits_and_features`.
        config: of the network.
        stream: where the batches come from.
        batches: encoded rows.
        max_rows: rows that are read; None for all.
    """
    all_logits, all_features, all_labels, all_rows, count = [], [], [], [], 0
    for pixels, labels, rows in decoded_batches(stream, batches, config.image_shape, config.pixel_format):
        logits, *features = run(tf.constant(pixels, tf.float32))
        all_logits.append(logits.numpy())
        if count < MAX_FEATURE_ROWS:  # more would take much memory
            all_features += [array.numpy() for array in features]
        all_labels.append(labels)
        all_rows.append(rows)
        count += len(labels)
        if max_rows is not None and count >= max_rows:
            break
    kept_features = np.concatenate(all_features)[:MAX_FEATURE_ROWS] if all_features else None
    logits, labels, rows = (np.concatenate(one)[:max_rows] for one in (all_logits, all_labels, all_rows))
    ends = np.cumsum([one.source.table.total for one in stream.sources])
    return LogitsAndFeatures(logits, kept_features, labels, np.searchsorted(ends, rows, side="right"))


def fit_class_gaussians(features: np.ndarray, labels: np.ndarray, class_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit one Gaussian per class, with a covariance that all share.

    Args:
        features: float32 (n, features).
        labels: int (n,).
        class_count: how many classes there are, with or without rows.

    Returns:
        (means float32 (class_count, features), whitening float32 (features, features)): multiplied by the second, the
        differences from the mean are uncorrelated and have a variance of 1.
    """
    classes, index = np.unique(labels, return_inverse=True)
    class_means = np.stack([features[index == number].mean(axis=0) for number in range(len(classes))])
    # Shrunk towards a sphere (Ledoit and Wolf 2004), so that features that hardly vary do not decide everything.
    covariance = LedoitWolf(assume_centered=True).fit(features - class_means[index]).covariance_
    # The covariance of features that never vary, as those of dead neurons, has no inverse without this.
    ridge = np.trace(covariance) / len(covariance) * np.finfo(np.float32).eps
    precision = np.linalg.inv(covariance + max(ridge, np.finfo(np.float32).tiny) * np.eye(len(covariance)))
    # A class without rows gets the mean of another one, and so accepts nothing in addition.
    means = np.repeat(class_means[:1], class_count, axis=0)
    means[classes] = class_means
    return means.astype(np.float32), np.linalg.cholesky(precision).astype(np.float32)


def _with_thresholds(
    config: CnnConfig, detector: OODDetector, validated: LogitsAndFeatures, knows_outliers: bool
) -> CnnConfig:
    """Return the config with thresholds that accept most of the rows, if there are such."""
    assert validated.features is not None
    datasets = np.zeros(len(validated.logits), int) if validated.datasets is None else validated.datasets
    left_out, min_confidence = 1 - ACCEPT_QUANTILE, 0.0
    if knows_outliers:
        outputs = softmax(validated.logits / config.temperature, axis=1)
        limit = largest_accepted(log_odds_of_error(outputs), datasets, 1 - left_out * (1 - DISTANCE_SHARE))
        min_confidence = float(expit(-limit))
        left_out *= DISTANCE_SHARE
    with np.errstate(over="ignore", invalid="ignore"):  # if all training rows are alike, all others are infinitely far
        distances = detector.distances(validated.features)
        threshold = largest_accepted(distances, datasets[: len(distances)], 1 - left_out)
    try:
        return replace(config, ood_threshold=threshold, min_confidence=min_confidence)
    except TrazoError:  # 0, infinite, NaN or of extreme size
        logger.warning("no out-of-distribution score: the rows are too few, or too similar, to show what is unusual")
        return config


def largest_accepted(values: np.ndarray, datasets: np.ndarray, share: float) -> float:
    """Return a value that at most the rest of the rows exceed, of all and of each dataset with enough rows.

    Args:
        values: float32 (n,).
        datasets: int (n,), which dataset each row is from.
        share: of the rows that are to be accepted.
    """
    counts = np.bincount(datasets)
    groups = [values[datasets == one] for one in np.flatnonzero(counts >= MIN_DATASET_ROWS)]
    return float(max(np.quantile(group, share) for group in [values, *groups]))
