"""The table of the search space: every hyperparameter with its values, default and condition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner

from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS
from model.heads import HEADS
from training.config import SCHEDULES
from training.optimizers import OPTIMIZERS
from training.tuning.preset_points import PresetPoint


@dataclass(frozen=True)
class Hyperparameter:
    """One row of the search space."""

    name: str  # as in trials.json
    part: Literal["architecture", "training"]  # whether its value is for CnnConfig or TrainConfig
    help: str
    values: tuple[Any, ...] = ()  # for a choice: the values; empty for a range
    low: float = 0  # for a range: both ends belong to it; whole numbers if both ends are
    high: float = 0
    default: Any = None  # None: the first value
    options: Mapping[str, Any] = field(default_factory=dict)  # for a range: `step`, or `sampling` on a log scale
    when: tuple[str, tuple[str | int, ...]] | None = None  # (another hyperparameter, its values that need this one)

    def exists(self, values: Mapping[str, Any]) -> bool:
        """Return whether the values of the hyperparameters before this one need it."""
        return self.when is None or values[self.when[0]] in self.when[1]

    def default_value(self) -> Any:
        """Return the value where a search starts, or which the hyperparameter keeps if it is not searched."""
        return self.values[0] if self.default is None else self.default

    def choose(self, hp: keras_tuner.HyperParameters) -> Any:
        """Return the value of a point; registers the hyperparameter with KerasTuner if it is new."""
        if self.values:
            return hp.Choice(self.name, list(self.values), default=self.default)
        kind = hp.Int if isinstance(self.low, int) else hp.Float
        return kind(self.name, self.low, self.high, default=self.default, **self.options)


LOG = {"sampling": "log"}
# A hyperparameter comes after those it depends on. The order must not change: with another one, a seed gives other
# points. `fit_to_dataset` narrows what depends on the dataset: the depth, the kernel size and the loss.
SPACE = (
    Hyperparameter(
        "blocks", "architecture", "depth: each block halves the image and sees patterns twice as large",
        low=1, high=4, default=3,
    ),
    Hyperparameter(
        "filters", "architecture", "width: filters of the first block; each next block has twice as many",
        (8, 16, 24, 32), default=24,
    ),
    Hyperparameter(
        "convolutions", "architecture",
        "per block; two of 3×3 see as far as one of 5×5, with fewer weights and one more activation",
        low=1, high=2, default=2,
    ),
    Hyperparameter("kernel_size", "architecture", "how far one convolution sees, in pixels", (3, 5)),
    Hyperparameter(
        "activation", "architecture", "sigmoid and tanh saturate, and then their gradients vanish", ACTIVATIONS,
        default="relu",
    ),
    Hyperparameter(
        "normalization", "architecture",
        "keeps the sums before the activations in one range: over the batch, or over the channels of each image",
        NORMALIZATIONS, default="batch",
    ),
    Hyperparameter(
        "pooling", "architecture", "how a block halves the image: maximum, mean, or a convolution with stride 2",
        POOLINGS, default="max",
    ),
    Hyperparameter(
        "dense_units", "architecture", "hidden units before the head; 0 for the mean of each feature map instead",
        (0, 64, 128), default=0,
    ),
    Hyperparameter(
        "dropout", "architecture", "share of values dropped after each block in a training step", (0.0, 0.1, 0.2, 0.3),
        default=0.1,
    ),
    Hyperparameter(
        "dense_dropout", "architecture", "share of units dropped after the hidden layer in a training step",
        (0.0, 0.2, 0.3, 0.4, 0.5), default=0.2, when=("dense_units", (64, 128)),
    ),
    Hyperparameter(
        "scaling", "architecture", "how pixels are brought to one range; robust scaling ignores the tails",
        ("min-max", "z-score", "robust"), default="z-score",
    ),
    Hyperparameter(
        "regularization", "architecture", "L1 pushes weights to zero, L2 shrinks them, the elastic net does both",
        ("none", "l1", "l2", "elastic net"), default="none",
    ),
    Hyperparameter(
        "l1", "architecture", "what a weight adds to the loss, times its size",
        low=1e-7, high=3e-5, default=2e-6, options=LOG, when=("regularization", ("l1", "elastic net")),
    ),
    Hyperparameter(
        "l2", "architecture", "what a weight adds to the loss, times its square",
        low=1e-6, high=1e-3, default=3e-5, options=LOG, when=("regularization", ("l2", "elastic net")),
    ),
    Hyperparameter("loss", "training", "what an error costs; one of the losses of the task"),
    Hyperparameter(
        "schedule", "training", "of the learning rate: up, then down to zero; or constant", SCHEDULES,
        default="one-cycle",
    ),
    Hyperparameter(
        "batch_size", "training", "small batches take more and noisier steps in the same time", (64, 128, 256),
        default=128,
    ),
    Hyperparameter(
        "augment", "training", "strength of rotation, slant, zoom and shift",
        low=0.0, high=1.5, default=0.75, options={"step": 0.25},
    ),
    Hyperparameter("optimizer", "training", "how a gradient becomes a step", tuple(OPTIMIZERS), default="adamw"),
    *(
        Hyperparameter(
            f"learning_rate_{name}", "training", "size of a step at the peak of the schedule",
            low=low, high=high, default=default, options=LOG, when=("optimizer", (name,)),
        )
        for name, (low, high, default) in ((name, one.learning_rates) for name, one in OPTIMIZERS.items())
    ),
)  # fmt: skip
PENALTIES = ("l1", "l2")


def fit_to_dataset(parameter: Hyperparameter, base: Mapping[str, Any]) -> Hyperparameter:
    """Return the hyperparameter with what images of this size, and the task, allow."""
    side = min(base["image_shape"][:2])
    if parameter.name == "blocks":
        deepest = max(1, min(int(parameter.high), side.bit_length() - 1))
        return replace(parameter, high=deepest, default=min(parameter.default, deepest))
    if parameter.name == "kernel_size":
        return replace(parameter, values=tuple(size for size in parameter.values if size <= side) or (1,))
    if parameter.name == "loss":
        return replace(parameter, values=tuple(HEADS[base["task"]].losses))
    return parameter


def fit_to_presets(parameter: Hyperparameter, presets: Iterable[PresetPoint]) -> Hyperparameter:
    """Make room for the values of every preset; the first one that has the hyperparameter gives the default."""
    known = [point.values[parameter.name] for point in presets if parameter.name in point.values]
    if not known:
        return parameter
    if not parameter.values:
        low, high = min(parameter.low, *known), max(parameter.high, *known)
        return replace(parameter, low=low, high=high, default=known[0])
    values = tuple(dict.fromkeys((*parameter.values, *known)))
    in_order = values if isinstance(known[0], str) else tuple(sorted(values))
    return replace(parameter, values=in_order, default=known[0])
