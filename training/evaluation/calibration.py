"""What is fitted once the weights are: a temperature for honest confidence, and what counts as never seen."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize_scalar
from sklearn.covariance import LedoitWolf

from model import CnnConfig, CnnModel, TrazoError
from model.network import build_network
from model.ood import OODDetector, features_of
from training.data.batches import Batch
from training.data.decode import decoded_batches
from training.data.stream import HubStream

ACCEPTED = 0.99  # share of the validation rows that lie within the largest accepted distance
ROWS = 10_000  # of the training rows, at most, that say what is usual
MOST_FEATURES = 4096  # beyond, the matrix that whitens them grows larger than most networks; no score is fitted
TEMPERATURES = (0.05, 20.0)


def calibrate(config: CnnConfig, network: keras.Model, train: HubStream, validation: HubStream) -> CnnModel:
    """Return a model of trained weights whose confidence is honest and that knows what it has not seen.

    Args:
        config: of the network.
        network: trained.
        train: rows that say what is usual; the first `ROWS` of its first epoch are looked at, unaugmented.
        validation: rows that the temperature and the largest accepted distance are fitted on.
    """
    if config.task == "regression":
        return CnnModel(config, network)
    run = _compiled(config, network)
    scores, features, labels = _look(run, config, validation, validation.ordered())
    config = replace(config, temperature=fit_temperature(scores, labels, config.task))
    if features is not None:
        _, usual, classes = _look(run, config, train, train.epoch(0), ROWS)
        assert usual is not None  # the same network's as `features`
        means, whitening = _usual(usual, classes, len(config.labels))
        with np.errstate(over="ignore", invalid="ignore"):  # of rows that are all alike any other is infinitely far
            distances = OODDetector(network, config, means, whitening).distances(features)
            largest = float(np.quantile(distances, ACCEPTED))
        try:
            config = replace(config, ood_threshold=largest)
        except TrazoError:  # 0, infinite or of extreme size
            print("no rejection score: the rows are too few, or all alike, to tell what is unusual", flush=True)
    final = build_network(config)
    for new, old in zip(final.weights, network.weights, strict=True):
        new.assign(old)
    if config.ood_threshold is None:
        return CnnModel(config, final)
    return CnnModel(config, final, ood_detector=OODDetector(final, config, means, whitening))


def fit_temperature(scores: np.ndarray, labels: np.ndarray, task: str) -> float:
    """Return what scores must be divided by for the likelihood of the labels to be highest.

    Each label counts as if it were right with a chance of (n + 1) / (n + 2) alone: of rows that are all answered
    rightly the likelihood would rise without end as the temperature falls, and every answer to come, wrong ones
    included, would be given with certainty.

    Sources: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks"; the targets of Platt
    1999, "Probabilistic Outputs for Support Vector Machines".

    Args:
        scores: float (n, units), before softmax or sigmoid.
        labels: int (n,).
        task: binary or multiclass.
    """
    scores = np.concatenate([np.zeros_like(scores), scores], axis=1) if task == "binary" else scores
    scores = scores.astype(np.float64)
    rows, classes = scores.shape
    right = scores[np.arange(rows), labels]
    wrong = (scores.sum(axis=1) - right) / (classes - 1)
    expected = ((rows + 1) * right + wrong) / (rows + 2)  # the targets' mean of the scores

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        return float((np.logaddexp.reduce(scores / temperature, axis=1) - expected / temperature).mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def _usual(features: np.ndarray, labels: np.ndarray, classes_in_all: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each class, and what whitens the differences from it: both float32."""
    classes, index = np.unique(labels, return_inverse=True)
    means = np.stack([features[index == one].mean(axis=0) for one in range(len(classes))])
    # Shrunk towards a sphere (Ledoit and Wolf 2004), so that features that hardly vary do not decide everything.
    within = LedoitWolf(assume_centered=True).fit(features - means[index]).covariance_
    # Of features that never vary, as those of dead neurons, the covariance has no inverse.
    smallest = np.trace(within) / len(within) * np.finfo(np.float32).eps
    precision = np.linalg.inv(within + max(smallest, np.finfo(np.float32).tiny) * np.eye(len(within)))
    # A class without a row among these is taken for another one that has some: it accepts nothing more.
    kept = np.repeat(means[:1], classes_in_all, axis=0)
    kept[classes] = means
    return kept.astype(np.float32), np.linalg.cholesky(precision).astype(np.float32)


def _compiled(config: CnnConfig, network: keras.Model) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Return a function of pixels: scores before the last activation and, where there are not too many, features."""
    ends = [network.get_layer("output").input]
    if config.feature_count <= MOST_FEATURES:
        ends.append(features_of(network, config))
    inner = keras.Model(network.input, ends)
    return tf.function(lambda pixels: inner(pixels, training=False), [tf.TensorSpec((None, *config.image_shape))])


def _look(
    run: Callable[[tf.Tensor], list[tf.Tensor]],
    config: CnnConfig,
    stream: HubStream,
    batches: Iterator[Batch],
    rows: int | None = None,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return scores, features or None, and labels of some rows; features of the first `ROWS` alone, which suffice."""
    all_scores, all_features, labels, count = [], [], [], 0
    for pixels, targets, _ in decoded_batches(stream, batches, config.image_shape):
        scores, *wanted = run(tf.constant(pixels, tf.float32))
        all_scores.append(scores.numpy())
        if count < ROWS:
            all_features += [one.numpy() for one in wanted]
        labels.append(targets)
        count += len(targets)
        if rows is not None and count >= rows:
            break
    features = np.concatenate(all_features)[:ROWS] if all_features else None
    return np.concatenate(all_scores)[:rows], features, np.concatenate(labels)[:rows]
