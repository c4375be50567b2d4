"""A linear head on features that stay as they are: the regularized optimum, found by L-BFGS in seconds.

With the cross-entropy this is a logistic regression. The optimizer is SciPy's; its source: Byrd, Lu, Nocedal and Zhu
1995, "A Limited Memory Algorithm for Bound Constrained Optimization".
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.backend import keras, keras_defaults, tf
import numpy as np
from scipy.optimize import minimize

from model.config import CnnConfig
from model.heads import output_activation, output_units
from model.losses import make_loss, standardize_targets
from training.transfer.features import Features, chunks

logger = logging.getLogger("trazo")

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)  # strongest first: each fit starts from the one before
MAX_ITERATIONS = 200
TOLERANCE = 1e-6  # of the loss, relative: what a fit gains less than that in a step is not worth it
CHUNK_ROWS = 16_384  # that are computed at a time
MAX_KEPT_BYTES = 1 << 30  # of features that stay in memory during the fit; more are read from disk in each step
MIN_DEVIATION = 1e-6  # of a feature that is not constant


@dataclass(frozen=True)
class LinearHead:
    """The weights of the last layer, for features as the network has them.

    Attributes:
        kernel: float32 (features, units).
        bias: float32 (units,).
        penalty: of the fit that was best on validation.
        loss: on the validation rows.
    """

    kernel: np.ndarray
    bias: np.ndarray
    penalty: float
    loss: float

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Return the scores before the last activation: float32 (n, features) -> float32 (n, units)."""
        return values @ self.kernel + self.bias

    def loss_on(self, config: CnnConfig, features: Features) -> float:
        """Return the mean loss on some rows, without penalty and weights of classes."""
        count = len(self.kernel)
        objective = _Objective(config, features, np.zeros(count), np.ones(count), ())
        return objective.value_and_gradient(np.concatenate([self.kernel.ravel(), self.bias]), 0.0)[0]


@keras_defaults()
def fit_head(
    config: CnnConfig,
    train: Features,
    validation: Features,
    class_weights: Sequence[float] = (),
    penalties: Sequence[float] = PENALTIES,
) -> LinearHead:
    """Return the head with the lowest loss on validation.

    Each feature is standardized first, so that one penalty suits all; the result is for the features as they are.

    Args:
        config: says what the head is for: task, loss, labels, and of a regression how targets are scaled.
        train: rows that the head is fitted on.
        validation: rows that choose the penalty.
        class_weights: how much the rows of each class count in the loss; empty if all count the same.
        penalties: half the sum of the squared weights is multiplied by one of these, and added to the mean loss.

    Example:
        >>> head = fit_head(config, train, validation)
        >>> scores = train.values @ head.kernel + head.bias
    """
    mean, deviation = _moments(train)
    fitting = _Objective(config, train, mean, deviation, class_weights)
    measured = _Objective(config, validation, mean, deviation, class_weights)
    units = output_units(config.task, len(config.labels))
    count, weights = len(mean), np.zeros((len(mean) + 1) * units)
    best: LinearHead | None = None
    for penalty in penalties:
        found = minimize(
            fitting.value_and_gradient,
            weights,
            args=(penalty,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE},
        )
        weights = found.x
        loss = measured.value_and_gradient(weights, 0.0)[0]
        logger.debug("penalty %g: loss %.4f after %d iterations", penalty, loss, found.nit)
        if best is not None and loss >= best.loss:
            break  # the loss has one minimum along the penalties: weaker ones overfit more
        kernel = weights[: count * units].reshape(count, units) / deviation[:, None]
        bias = weights[count * units :] - mean @ kernel
        best = LinearHead(kernel.astype(np.float32), bias.astype(np.float32), penalty, float(loss))
    assert best is not None
    return best


def _moments(features: Features) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each feature, float64; 1 for one that is constant."""
    total, squares = np.zeros((2, features.values.shape[1]))
    for values, _ in chunks(features, CHUNK_ROWS):
        total += values.sum(axis=0, dtype=np.float64)
        squares += np.einsum("nf,nf->f", values, values, dtype=np.float64)
    mean = total / len(features.labels)
    deviation = np.sqrt(np.maximum(squares / len(features.labels) - mean**2, 0))
    return mean, np.where(deviation > MIN_DEVIATION, deviation, 1.0)


class _Objective:
    """The mean loss of a head over some features, and its gradient."""

    def __init__(
        self,
        config: CnnConfig,
        features: Features,
        mean: np.ndarray,
        deviation: np.ndarray,
        class_weights: Sequence[float],
    ) -> None:
        self._rows = len(features.labels)
        is_small = features.values.nbytes <= MAX_KEPT_BYTES
        self._chunks = list(_as_tensors(features)) if is_small else None
        self._features = features
        self._shape = len(mean), output_units(config.task, len(config.labels))
        means, deviations = tf.constant(mean, tf.float32), tf.constant(deviation[:, None], tf.float32)
        row_weights = tf.constant(class_weights, tf.float32) if class_weights else None
        loss_of = make_loss(config.task, config.loss, len(config.labels))
        activation = keras.activations.get(output_activation(config.task, config.loss))

        @tf.function(reduce_retracing=True, jit_compile=False, autograph=False)
        def of_chunk(
            kernel: tf.Tensor, bias: tf.Tensor, values: tf.Tensor, labels: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch((kernel, bias))
                scaled = kernel / deviations
                outputs = activation(values @ scaled + bias - tf.linalg.matvec(scaled, means, transpose_a=True))
                weights = None if row_weights is None else tf.gather(row_weights, labels)
                loss = loss_of(standardize_targets(labels, config), outputs, weights)
                loss *= tf.cast(tf.shape(labels)[0], tf.float32)
            return loss, *tape.gradient(loss, (kernel, bias))

        self._of_chunk = of_chunk

    def value_and_gradient(self, flat: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        """Return the mean loss with its penalty, and the gradient by the standardized weights.

        Args:
            flat: float64, the kernel (features, units) and then the bias (units,), flattened.
            penalty: of the kernel.
        """
        count, units = self._shape
        kernel, bias = flat[: count * units].reshape(self._shape), flat[count * units :]
        arguments = tf.constant(kernel, tf.float32), tf.constant(bias, tf.float32)
        total, of_kernel, of_bias = 0.0, np.zeros_like(kernel), np.zeros_like(bias)
        for values, labels in self._chunks or _as_tensors(self._features):
            loss, kernel_part, bias_part = self._of_chunk(*arguments, values, labels)
            total += float(loss)
            of_kernel += kernel_part.numpy()
            of_bias += bias_part.numpy()
        value = total / self._rows + penalty * float((kernel**2).sum()) / 2
        gradient = np.concatenate([(of_kernel / self._rows + penalty * kernel).ravel(), of_bias / self._rows])
        return value, gradient


def _as_tensors(features: Features) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    for values, labels in chunks(features, CHUNK_ROWS):
        yield tf.constant(values), tf.constant(labels)
