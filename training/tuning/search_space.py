"""The search space: which hyperparameters a search may vary, with their ranges, defaults and conditions."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from model.backend import keras
import keras_tuner

from model.artifacts import TRIALS_FILE
from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS, CnnConfig
from model.errors import TrazoError
from model.heads import HEADS
from model.io.reports.trials import TrialsReport
from model.io.trials import fold_learning_rate
from model.network import build_network
from model.scaling import PixelHistogram
from training.config import SCHEDULES
from training.optimizers import OPTIMIZERS


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
# points. `_fit_to_dataset` narrows what depends on the dataset: the depth, the kernel size and the loss.
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


def _fit_to_dataset(parameter: Hyperparameter, base: Mapping[str, Any]) -> Hyperparameter:
    side = min(base["image_shape"][:2])
    if parameter.name == "blocks":
        deepest = max(1, min(int(parameter.high), side.bit_length() - 1))
        return replace(parameter, high=deepest, default=min(parameter.default, deepest))
    if parameter.name == "kernel_size":
        return replace(parameter, values=tuple(size for size in parameter.values if size <= side) or (1,))
    if parameter.name == "loss":
        return replace(parameter, values=tuple(HEADS[base["task"]].losses))
    return parameter


class Space(Protocol):
    """What a search needs to know of its points."""

    base: dict[str, Any]  # fields of CnnConfig that the dataset gives
    overrides: Mapping[str, Any]  # fields of TrainConfig that the user chose
    searched: tuple[str, ...]  # names of the hyperparameters that vary; empty: all of them

    def point(self, hp: keras_tuner.HyperParameters) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (fields of CnnConfig, fields of TrainConfig) of a point; `scaling` is the name of the method."""

    def config(self, hp: keras_tuner.HyperParameters) -> CnnConfig:
        """Return the config of a point's network, with the scaling fitted."""


class SearchSpace(keras_tuner.HyperModel):
    """The search space of one dataset. Its defaults are a recipe that works on small images; a search starts there.

    Example:
        >>> space = SearchSpace({"task": "multiclass", "labels": ("a", "b", "c"), "image_shape": (28, 28, 1)})
        >>> architecture, training = space.point(keras_tuner.HyperParameters())
        >>> architecture["filters"], training["optimizer"]
        ((24, 48, 96), 'adamw')
    """

    def __init__(
        self,
        base: dict[str, Any],
        overrides: Mapping[str, Any] | None = None,
        histogram: PixelHistogram | None = None,
        searched: Iterable[str] = (),
    ) -> None:
        """Set what all points share.

        Args:
            base: fields of CnnConfig that the dataset gives: task, labels, image_shape.
            overrides: fields of TrainConfig that the user chose; they are not searched.
            histogram: of the pixels of the training rows, for the scaling; only `config` and `build` need it.
            searched: names of the hyperparameters that vary, the others keep their defaults; empty: all of them.

        Raises:
            TrazoError: if the space does not have a name, or it has no effect without another one.
        """
        super().__init__(name="trazo")
        self.base = base
        self.overrides = dict(overrides or {})
        self.searched = tuple(searched)
        self._histogram = histogram
        self._parameters = [
            _fit_to_dataset(parameter, base)
            for parameter in SPACE
            if fold_learning_rate(parameter.name) not in self.overrides
        ]
        names = dict.fromkeys(fold_learning_rate(parameter.name) for parameter in self._parameters)
        if unknown := sorted({*self.searched} - names.keys()):
            raise TrazoError(f"unknown hyperparameter {unknown[0]!r} to search; there are {', '.join(names)}")
        if "regularization" not in self.searched and (alone := sorted({*PENALTIES} & {*self.searched})):
            raise TrazoError(f"{alone[0]} exists only with some regularization: search regularization too")

    def point(self, hp: keras_tuner.HyperParameters) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (fields of CnnConfig, fields of TrainConfig) of a point; `scaling` is the name of the method."""
        chosen = dict(self.overrides)
        fields: dict[str, dict[str, Any]] = {"architecture": {}, "training": dict(self.overrides)}
        for parameter in self._parameters:
            with self._scope(parameter, hp):
                if parameter.exists(chosen):
                    value = parameter.choose(hp) if self._varies(parameter.name) else parameter.default_value()
                    chosen[parameter.name] = value
                    fields[parameter.part][fold_learning_rate(parameter.name)] = value
        return _architecture_fields(fields["architecture"]), fields["training"]

    def config(self, hp: keras_tuner.HyperParameters) -> CnnConfig:
        """Return the config of a point's network, with the scaling fitted.

        Raises:
            TrazoError: if no network has this combination.
        """
        architecture, training = self.point(hp)
        assert self._histogram is not None, "needed for `config` and `build`"
        architecture["scaling"] = self._histogram.fit(architecture["scaling"])
        return CnnConfig(**self.base | architecture, loss=training["loss"])

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return the network of a point with fresh weights, as KerasTuner requires of a HyperModel."""
        return build_network(self.config(hp))

    def _varies(self, name: str) -> bool:
        return name not in self.overrides and (not self.searched or fold_learning_rate(name) in self.searched)

    def _scope(self, parameter: Hyperparameter, hp: keras_tuner.HyperParameters) -> AbstractContextManager:
        """Return KerasTuner's scope for a condition; none is needed if the other hyperparameter has one value."""
        if parameter.when and self._varies(parameter.when[0]):
            return hp.conditional_scope(parameter.when[0], list(parameter.when[1]))
        return nullcontext()


def _architecture_fields(values: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in values.items() if name not in ("blocks", "regularization")}
    fields["filters"] = tuple(values["filters"] * 2**block for block in range(values["blocks"]))
    fields["dense_units"] = (values["dense_units"],) if values["dense_units"] else ()
    return fields


def best_hyperparameters(report: TrialsReport) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return (fields of CnnConfig, fields of TrainConfig) of the best trial; None if no trial has completed.

    Raises:
        TrazoError: if the report does not say what the dataset decided about the network.
    """
    if report.best is None:
        return None
    if report.subject is None:
        raise TrazoError(f"{TRIALS_FILE} does not name the task and the labels of its search: search again")
    hp = keras_tuner.HyperParameters()
    hp.values = dict(report.best.hyperparameters)
    space = SearchSpace(report.subject.to_dict(), report.overrides, searched=report.searched or ())
    return space.point(hp)
