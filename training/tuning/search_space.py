"""What is searched: a point of KerasTuner's space -> fields of CnnConfig and of TrainConfig, with the ranges inline."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import keras_tuner

from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS, CnnConfig
from model.errors import TrazoError
from model.heads import HEADS
from model.network import build_network
from model.scaling import PixelHistogram
from training.config import OPTIMIZERS, SCHEDULES

MOST_BLOCKS = 4
RATE = "learning_rate"  # stands for the one of each optimiser
# Optimisers differ in the size of a good step by orders of magnitude, so each has a range of its own. Those that divide
# by the gradient's size take steps of about the rate; Lion takes the sign of a mean and needs less; plain gradients of
# this loss are small. (lowest, highest, default).
LEARNING_RATES = {
    "adam": (3e-4, 1e-2, 3e-3),
    "adamw": (3e-4, 1e-2, 3e-3),
    "nadam": (3e-4, 1e-2, 3e-3),
    "rmsprop": (1e-4, 3e-3, 1e-3),
    "sgd": (1e-2, 3e-1, 1e-1),
    "lion": (3e-5, 1e-3, 3e-4),
}
# What a weight adds to the loss, times its size (L1) or its square (L2). (lowest, highest, default).
PENALTIES = {"l1": (1e-7, 3e-5, 2e-6), "l2": (1e-6, 1e-3, 3e-5)}


class SearchSpace(keras_tuner.HyperModel):
    """The space of one dataset. Its defaults are a recipe that works on small pictures, where a search starts."""

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
            overrides: fields of TrainConfig that a person chose; they are not searched.
            histogram: of the training rows' pixels, for the scaling; needed for `config` and `build` alone.
            searched: names of the hyperparameters that vary, the rest keeping its default; none: all of them.

        Raises:
            TrazoError: for a name that the space does not have, or that has no effect without another.
        """
        super().__init__(name="trazo")
        self.base, self.overrides, self._histogram, self.searched = (
            base,
            dict(overrides or {}),
            histogram,
            tuple(searched),
        )
        asked = _Names()
        self._network(asked), self._training(asked)
        if unknown := sorted({*self.searched} - asked.names.keys()):
            raise TrazoError(f"there is no hyperparameter {unknown[0]!r} to search; there are {', '.join(asked.names)}")
        if "regularization" not in self.searched and (alone := PENALTIES.keys() & self.searched):
            raise TrazoError(f"{min(alone)} exists only with some regularization: search regularization too")

    def point(self, hp: keras_tuner.HyperParameters) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (fields of CnnConfig, fields of TrainConfig); `scaling` is the name of the method."""
        asked = _Some(hp, self.searched) if self.searched else hp
        return self._network(asked), self.overrides | self._training(asked)

    def config(self, hp: keras_tuner.HyperParameters) -> CnnConfig:
        """Return the network's config, scaling fitted.

        Raises:
            TrazoError: for a combination that no network has.
        """
        network, training = self.point(hp)
        assert self._histogram is not None, "needed for `config` and `build`"
        network["scaling"] = self._histogram.fit(network["scaling"])
        return CnnConfig(**self.base | network, loss=training["loss"])

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return the network of a point, with fresh weights, as KerasTuner asks of a HyperModel."""
        return build_network(self.config(hp))

    def _network(self, hp: keras_tuner.HyperParameters) -> dict[str, Any]:
        # Depth: each block halves the picture and sees patterns twice as large.
        side = min(self.base["image_shape"][:2])
        deepest = max(1, min(MOST_BLOCKS, side.bit_length() - 1))
        blocks = hp.Int("blocks", 1, deepest, default=min(3, deepest))
        # Width: filters of the first block; each further block has twice as many.
        filters = hp.Choice("filters", [8, 16, 24, 32], default=24)
        network: dict[str, Any] = {
            "filters": tuple(filters * 2**block for block in range(blocks)),
            # Two convolutions of 3×3 see as far as one of 5×5, with fewer weights and one activation more.
            "convolutions": hp.Int("convolutions", 1, 2, default=2),
            # How far one convolution sees.
            "kernel_size": hp.Choice("kernel_size", [size for size in (3, 5) if size <= side] or [1]),
            # Where the network bends; sigmoid and tanh saturate, and their gradients with them.
            "activation": hp.Choice("activation", list(ACTIVATIONS), default="relu"),
            # Keeps the sums before the activations in one range: over the batch, or over each picture's channels.
            "normalization": hp.Choice("normalization", list(NORMALIZATIONS), default="batch"),
            # What halves the picture: the strongest answer, the mean, or a convolution that learns how.
            "pooling": hp.Choice("pooling", list(POOLINGS), default="max"),
            # Hidden units before the head; 0 takes the mean of each feature map in their place.
            "dense_units": tuple(filter(None, [hp.Choice("dense_units", [0, 64, 128], default=0)])),
            # Share of units that are silent in a training step; half of it after the blocks.
            "dropout": hp.Choice("dropout", [0.2, 0.3, 0.4, 0.5]),
            # Brings the pixels to a range; robust scaling ignores the tails.
            "scaling": hp.Choice("scaling", ["min-max", "z-score", "robust"], default="z-score"),
        }
        # Regularisation: L1 pushes weights to zero, L2 shrinks them, the elastic net does both.
        kind = hp.Choice("regularization", ["none", "l1", "l2", "elastic net"], default="none")
        for penalty, (low, high, default) in PENALTIES.items():
            with hp.conditional_scope("regularization", [penalty, "elastic net"]):
                if kind in (penalty, "elastic net"):
                    network[penalty] = hp.Float(penalty, low, high, sampling="log", default=default)
        return network

    def _training(self, hp: keras_tuner.HyperParameters) -> dict[str, Any]:
        def ask(name: str, kind: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
            return {} if name in self.overrides else {name: kind(name, *arguments, **options)}

        training = {
            # What an error costs: the losses that suit the task.
            **ask("loss", hp.Choice, list(HEADS[self.base["task"]].losses)),
            # Up, then down to zero; or the same rate throughout.
            **ask("schedule", hp.Choice, list(SCHEDULES), default="one-cycle"),
            # Small batches take more and noisier steps in the same time.
            **ask("batch_size", hp.Choice, [64, 128, 256], default=128),
            # How much the pictures are turned, slanted, zoomed and shifted.
            **ask("augment", hp.Float, 0.0, 1.5, step=0.25, default=0.75),
            # How a gradient becomes a step.
            **ask("optimizer", hp.Choice, list(OPTIMIZERS), default="adamw"),
        }
        optimizer = self.overrides.get("optimizer") or training["optimizer"]
        for name, (low, high, default) in LEARNING_RATES.items():
            scope = nullcontext() if "optimizer" in self.overrides else hp.conditional_scope("optimizer", [name])
            with scope:
                if optimizer == name and "learning_rate" not in self.overrides:
                    # The size of a step, the highest of the schedule.
                    training["learning_rate"] = hp.Float(
                        f"learning_rate_{name}", low, high, sampling="log", default=default
                    )
        return training


class _Some:
    """Hyperparameters of which only some vary."""

    def __init__(self, hp: keras_tuner.HyperParameters, names: tuple[str, ...]) -> None:
        self._hp, self._names = hp, names

    def _varies(self, name: str) -> bool:
        return name in self._names or (RATE in self._names and name.startswith(RATE))

    def Choice(self, name: str, values: list, default: Any = None) -> Any:
        if self._varies(name):
            return self._hp.Choice(name, values, default=default)
        return values[0] if default is None else default

    def Int(self, name: str, low: int, high: int, default: int) -> int:
        return self._hp.Int(name, low, high, default=default) if self._varies(name) else default

    def Float(self, name: str, low: float, high: float, default: float | None = None, **how: Any) -> float:
        if self._varies(name):
            return self._hp.Float(name, low, high, default=default, **how)
        return low if default is None else default

    def conditional_scope(self, name: str, values: list) -> AbstractContextManager:
        return self._hp.conditional_scope(name, values) if self._varies(name) else nullcontext()


class _Names(_Some):
    """Notes which hyperparameters a space asks for, by the names under which they can be searched."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}  # in order, each once

    def _varies(self, name: str) -> bool:
        self.names[RATE if name.startswith(RATE) else name] = None
        return False

    def Choice(self, name: str, values: list, default: Any = None) -> Any:
        super().Choice(name, values, default)
        return values[-1]  # so that the elastic net's penalties are asked for


def best_hyperparameters(report: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (fields of CnnConfig, fields of TrainConfig) of the best trial of a trials.json."""
    best = next(trial for trial in report["trials"] if trial["trial_id"] == report["best_trial"])
    hp = keras_tuner.HyperParameters()
    hp.values = dict(best["hyperparameters"])
    space = SearchSpace(report["network"], report["overrides"], searched=report.get("searched", ()))
    return space.point(hp)
