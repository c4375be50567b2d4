"""Problem -> last layer, loss and metric: the table that keeps a network's end consistent.

A loss is a statement about the target: squared errors about numbers, cross-entropies about classes. The table
says which loss suits which problem, so that a misfit is refused before any data is read.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from model.errors import TrazoError


@dataclass(frozen=True)
class Head:
    """What a problem asks of the end of the network."""

    activation: str  # of the last layer
    losses: tuple[str, ...]  # that suit the problem, the default first
    metric: str  # what validation and the report measure


HEADS: dict[str, Head] = {
    "binary": Head("sigmoid", ("binary_crossentropy", "log_loss", "hinge"), "accuracy"),
    "multiclass": Head(
        "softmax",
        (
            "sparse_categorical_crossentropy",  # targets are class ids
            "categorical_crossentropy",  # the same value from one-hot targets
            "log_loss",  # the statistician's name of the same
            "kl_divergence",
            "hinge",  # the multiclass (categorical) form
            "cosine_similarity",
        ),
        "accuracy",
    ),
    "regression": Head("linear", ("mse", "mae", "huber", "poisson"), "mean_absolute_error"),
}
LOSSES = tuple(dict.fromkeys(loss for head in HEADS.values() for loss in head.losses))


def default_loss(problem: str) -> str:
    """Return the first loss of the problem's row."""
    return HEADS[problem].losses[0]


def check_head(problem: str, loss: str) -> None:
    """Refuse an unknown problem or a loss that does not suit it.

    Raises:
        TrazoError: with the problems that exist, or the losses that fit.
    """
    if problem not in HEADS:
        raise TrazoError(f"unknown problem {problem!r}; there are {', '.join(HEADS)}")
    if loss not in HEADS[problem].losses:
        known = "does not suit" if loss in LOSSES else "is unknown; not one of those for"
        raise TrazoError(
            f"loss {loss!r} {known} a {problem} problem; these suit it: {', '.join(HEADS[problem].losses)}"
        )


def output_units(problem: str, labels: int) -> int:
    """Return the units of the last layer: one a class for several classes, else one."""
    return labels if problem == "multiclass" else 1


def output_activation(problem: str, loss: str) -> str:
    """Return the last activation: the problem's own, but softplus for Poisson, whose mean must be positive."""
    return "softplus" if loss == "poisson" else HEADS[problem].activation


def make_loss(problem: str, loss: str, labels: int, label_smoothing: float = 0.0) -> keras.losses.Loss:
    """Return the Keras loss for integer class ids (classification) or floats (regression).

    Args:
        problem: a key of `HEADS`.
        loss: one of that row's losses.
        labels: number of classes; unused for regression.
        label_smoothing: probability mass moved from the true class to all classes, for cross-entropies.
    """
    check_head(problem, loss)
    if problem == "regression":
        return {
            "mse": keras.losses.MeanSquaredError,
            "mae": keras.losses.MeanAbsoluteError,
            "huber": keras.losses.Huber,
            "poisson": keras.losses.Poisson,
        }[loss]()
    if problem == "binary":
        # Hinge expects scores in −1 … 1: Keras maps the targets there, `_signed` maps the sigmoid's output.
        if loss == "hinge":
            return _OnTargets(keras.losses.Hinge(), outputs=_signed)
        return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
    if loss == "sparse_categorical_crossentropy" and not label_smoothing:
        return keras.losses.SparseCategoricalCrossentropy()
    one_hot = {
        "kl_divergence": keras.losses.KLDivergence,
        "hinge": keras.losses.CategoricalHinge,
        "cosine_similarity": keras.losses.CosineSimilarity,
    }
    if loss in one_hot:
        inner = one_hot[loss]()
    else:
        inner = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    return _OnTargets(inner, targets=lambda ids: keras.ops.one_hot(keras.ops.cast(ids, "int32"), labels))


def make_metric_function(problem: str) -> Callable:
    """Return the metric of the problem's row as a function of (targets (n,), outputs (n, units)) -> (n,).

    The mean over all rows is the metric: accuracy, or mean absolute error.
    """
    ops = keras.ops
    if problem == "multiclass":
        return lambda y, p: ops.cast(ops.equal(ops.cast(y, "int64"), ops.argmax(p, axis=-1)), "float32")
    if problem == "binary":
        return lambda y, p: ops.cast(ops.equal(ops.cast(y, "float32"), ops.cast(p[:, 0] > 0.5, "float32")), "float32")
    return lambda y, p: ops.abs(ops.cast(y, "float32") - p[:, 0])


def _signed(probability: keras.KerasTensor) -> keras.KerasTensor:
    return 2 * probability - 1


class _OnTargets(keras.losses.Loss):
    """A Keras loss on transformed targets or outputs, so that the stream keeps giving plain class ids."""

    def __init__(self, inner: keras.losses.Loss, targets=None, outputs=None) -> None:  # noqa: ANN001
        super().__init__(name=inner.name)
        self._inner, self._targets, self._outputs = inner, targets, outputs

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the inner loss, one value a row."""
        if self._targets:
            y_true = keras.ops.reshape(self._targets(y_true), keras.ops.shape(y_pred))
        if self._outputs:
            y_pred = self._outputs(y_pred)
        return self._inner.call(y_true, y_pred)
