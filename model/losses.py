"""The losses and metrics that `heads.HEADS` names, as Keras objects for plain class ids and numbers."""

from collections.abc import Callable
from functools import partial

from model.backend import keras, keras_defaults

from model.config import CnnConfig
from model.heads import check_head


@keras_defaults()
def make_loss(task: str, loss: str, labels: int, label_smoothing: float = 0.0) -> keras.losses.Loss:
    """Return the Keras loss for integer class ids (classification) or floats (regression).

    Args:
        task: a key of `heads.HEADS`.
        loss: one of that row's losses.
        labels: number of classes; unused for regression.
        label_smoothing: probability mass moved from the true class to all classes, for cross-entropies.

    Raises:
        TrazoError: if the loss does not suit the task.
    """
    check_head(task, loss)
    if task == "regression":
        return {
            "mse": keras.losses.MeanSquaredError,
            "mae": keras.losses.MeanAbsoluteError,
            "huber": keras.losses.Huber,
            "poisson": keras.losses.Poisson,
        }[loss]()
    if task == "binary":
        # Hinge expects scores in −1 … 1: Keras maps the targets there, `_to_hinge_score` maps the sigmoid's output.
        return {
            "binary_crossentropy": lambda: keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing),
            "log_loss": lambda: keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing),
            "hinge": lambda: _TransformedLoss(keras.losses.Hinge(), outputs=_to_hinge_score),
        }[loss]()
    if loss == "sparse_categorical_crossentropy" and not label_smoothing:
        return keras.losses.SparseCategoricalCrossentropy()
    cross_entropy = partial(keras.losses.CategoricalCrossentropy, label_smoothing=label_smoothing)
    on_one_hot = {
        "sparse_categorical_crossentropy": cross_entropy,
        "categorical_crossentropy": cross_entropy,
        "log_loss": cross_entropy,
        "kl_divergence": keras.losses.KLDivergence,
        "hinge": keras.losses.CategoricalHinge,
        "cosine_similarity": keras.losses.CosineSimilarity,
    }[loss]()
    return _TransformedLoss(on_one_hot, targets=lambda ids: keras.ops.one_hot(keras.ops.cast(ids, "int32"), labels))


def make_metric_function(task: str) -> Callable:
    """Return the metric of the task's row as a function of (targets (n,), outputs (n, units)) -> (n,).

    The mean over all rows is the metric: accuracy, or mean absolute error.
    """
    ops = keras.ops
    if task == "multiclass":
        return lambda y, p: ops.cast(ops.equal(ops.cast(y, "int64"), ops.argmax(p, axis=-1)), "float32")
    if task == "binary":
        return lambda y, p: ops.cast(ops.equal(ops.cast(y, "float32"), ops.cast(p[:, 0] > 0.5, "float32")), "float32")
    return lambda y, p: ops.abs(ops.cast(y, p.dtype) - p[:, 0])


def make_answer_function(task: str) -> Callable:
    """Return the function of outputs (n, units) -> (n,): the predicted class ids, int64, or the numbers, float32."""
    ops = keras.ops
    if task == "multiclass":
        return lambda p: ops.cast(ops.argmax(p, axis=-1), "int64")
    if task == "binary":
        return lambda p: ops.cast(p[:, 0] > 0.5, "int64")
    return lambda p: p[:, 0]


def standardize_targets(targets: keras.KerasTensor, config: CnnConfig) -> keras.KerasTensor:
    """Return labels as a loss compares them: the targets of a regression without their unit, class ids as they are.

    Args:
        targets: (n,).
        config: of the network.
    """
    if not config.target_scaling:
        return targets
    offset, scale = config.target_offset_and_scale
    return (keras.ops.cast(targets, "float32") - offset) / scale


def _to_hinge_score(probability: keras.KerasTensor) -> keras.KerasTensor:
    return 2 * probability - 1


class _TransformedLoss(keras.losses.Loss):
    """A Keras loss on transformed targets or outputs, so that the stream can give plain class ids."""

    def __init__(self, inner: keras.losses.Loss, targets=None, outputs=None) -> None:  # noqa: ANN001
        super().__init__(name=inner.name)
        self._inner, self._targets, self._outputs = inner, targets, outputs

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the inner loss, one value per row."""
        if self._targets:
            y_true = keras.ops.reshape(self._targets(y_true), keras.ops.shape(y_pred))
        if self._outputs:
            y_pred = self._outputs(y_pred)
        return self._inner.call(y_true, y_pred)
