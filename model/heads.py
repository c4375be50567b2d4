"""Task -> last layer, losses and metric, in one table, so that they always fit together.

A loss is a statement about the target: squared errors about numbers, cross-entropies about classes. The table
says which loss suits which task, so that a wrong one is refused before any data is read.
"""

from dataclasses import dataclass

from model.errors import TrazoError


@dataclass(frozen=True)
class Head:
    """What the end of the network must be for a task."""

    activation: str  # of the last layer
    losses: tuple[str, ...]  # that suit the task, the default first
    metric: str  # what validation and the report measure


HEADS: dict[str, Head] = {
    "binary": Head("sigmoid", ("binary_crossentropy", "log_loss", "hinge"), "accuracy"),
    "multiclass": Head(
        "softmax",
        (
            "sparse_categorical_crossentropy",  # targets are class ids
            "categorical_crossentropy",  # the same value from one-hot targets
            "log_loss",  # another name of the same
            "kl_divergence",
            "hinge",  # the multiclass (categorical) form
            "cosine_similarity",
        ),
        "accuracy",
    ),
    "regression": Head("linear", ("mse", "mae", "huber", "poisson"), "mean_absolute_error"),
}
OBJECTIVES = {  # measure on the validation rows that a search may compare trials by -> whether more of it is better
    "accuracy": "max",
    "balanced_accuracy": "max",
    "macro_f1": "max",
    "mean_absolute_error": "min",
    "r2": "max",
}
# For labels without smoothing these are one function under several names.
CROSS_ENTROPIES = (
    "binary_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "log_loss",
    "kl_divergence",
)
LOSSES = tuple(dict.fromkeys(loss for head in HEADS.values() for loss in head.losses))


def default_loss(task: str) -> str:
    """Return the first loss in the task's row."""
    return HEADS[task].losses[0]


def check_head(task: str, loss: str) -> None:
    """Refuse an unknown task or a loss that does not suit it.

    Raises:
        TrazoError: if they do not fit; the text lists the tasks that exist, or the losses that suit the task.
    """
    if task not in HEADS:
        raise TrazoError(f"unknown task {task!r}; there are {', '.join(HEADS)}")
    if loss not in HEADS[task].losses:
        known = "does not suit" if loss in LOSSES else "is unknown; not one of those for"
        raise TrazoError(f"loss {loss!r} {known} a {task} task; these suit it: {', '.join(HEADS[task].losses)}")


def choose_objective(task: str, name: str | None = None) -> tuple[str, str]:
    """Return (the measure that trials are compared by, whether `max` or `min` of it is best).

    Args:
        task: a key of `HEADS`.
        name: a key of `OBJECTIVES`; None for the task's metric.

    Raises:
        TrazoError: if the measure does not suit the task.
    """
    regression = ("mean_absolute_error", "r2")
    suiting = [one for one in OBJECTIVES if (one in regression) == (task == "regression")]
    name = name or HEADS[task].metric
    if name not in suiting:
        raise TrazoError(f"objective {name} does not suit a {task} task; these suit it: {', '.join(suiting)}")
    return name, OBJECTIVES[name]


def output_units(task: str, labels: int) -> int:
    """Return the units of the last layer: one per class for multiclass, else one."""
    return labels if task == "multiclass" else 1


def output_activation(task: str, loss: str) -> str:
    """Return the last activation: the task's, except softplus for a Poisson loss, whose mean must be positive."""
    return "softplus" if loss == "poisson" else HEADS[task].activation
