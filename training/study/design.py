"""What a study compares: one base network, and for each choice the values that replace the base's.

Each value of a choice changes one thing of the base network and nothing else (one factor at a time), so a difference
has one cause. What two choices do together is not measured, with one exception: activations are compared with and
without batch normalization, because normalization decides whether some of them learn at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model.config import ACTIVATIONS
from model.errors import TrazoError
from model.heads import CROSS_ENTROPIES, HEADS
from training.optimizers import OPTIMIZERS

BASE = "base"  # the level of the base network itself
# Small enough that a few thousand images overfit it within a study's epochs, and that a run takes seconds.
ARCHITECTURE: dict[str, Any] = {
    "filters": (16, 32),
    "convolutions": 1,
    "kernel_size": 3,
    "pooling": "max",
    "activation": "relu",
    "normalization": "none",
    "dense_units": (64,),
    "dropout": 0.0,
    "dense_dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "scaling": "z-score",
}
TRAINING: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "batch_size": 64,
    "augment": 0.0,
    "loss": "",
}
RATE_FACTORS = (1 / 3, 1, 3)  # of an optimizer's usual learning rate; the best of them represents it
FIRST_FILTERS = (2, 4, 8, 16, 32)  # of the first block; the second has twice, the hidden layer four times as many
DROPOUT_RATES = (0.0, 0.2, 0.35, 0.5, 0.7)
AUGMENTATIONS = (0.0, 0.5, 1.0, 2.0)
LEARNING_RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
PENALTIES: dict[str, dict[str, float]] = {
    "L1 1e-5": {"l1": 1e-5},
    "L1 1e-4": {"l1": 1e-4},
    "L1 1e-3": {"l1": 1e-3},
    "L2 1e-4": {"l2": 1e-4},
    "L2 1e-3": {"l2": 1e-3},
    "L2 1e-2": {"l2": 1e-2},
    "elastic net 1e-5, 1e-4": {"l1": 1e-5, "l2": 1e-4},
    "elastic net 1e-4, 1e-3": {"l1": 1e-4, "l2": 1e-3},
}


@dataclass(frozen=True)
class Level:
    """One value of a choice.

    Attributes:
        factor: name of the choice.
        value: name of the value, unique within the choice.
        architecture: fields of CnnConfig that differ from the base network's; `scaling` is the method's name.
        training: fields of TrainConfig that differ from the base's.
        group: what it is a variant of: of the levels in one group, only the best is compared. Empty for its own value.
    """

    factor: str
    value: str
    architecture: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""

    @property
    def key(self) -> str:
        """What identifies it among all levels; the same for all levels that are the base network."""
        fields = ARCHITECTURE | TRAINING
        changes = {**self.architecture, **self.training}
        is_base = all(fields[name] == value for name, value in changes.items())
        return BASE if is_base else f"{self.factor}: {self.value}"


def make_design(task: str, image_shape: tuple[int, int, int], factors: Sequence[str] = ()) -> list[Level]:
    """Return every level of a study, choice by choice, in the order in which the course presents the choices.

    Args:
        task: a key of `HEADS`.
        image_shape: height, width, channels; small images allow fewer blocks.
        factors: the choices that are wanted; empty: all.

    Raises:
        TrazoError: if there is no such choice, or the images are too small for the base network, which halves
            them twice.

    Example:
        >>> [level.value for level in make_design("multiclass", (28, 28, 1)) if level.factor == "layers"]
        ['1', '2', '3', '4']
    """
    if min(image_shape[:2]) < 4:
        raise TrazoError(f"a study needs images of at least 4 × 4 pixels, not {image_shape[0]} × {image_shape[1]}")
    levels = [
        *_size_levels(deepest=min(4, min(image_shape[:2]).bit_length() - 1)),
        *_activation_levels(),
        *(Level("scaling", name, {"scaling": name}) for name in ("none", "min-max", "z-score", "robust")),
        *_loss_levels(task),
        *_optimizer_levels(),
        *(Level("dropout", f"{rate:g}", {"dense_dropout": rate}) for rate in DROPOUT_RATES),
        *(Level("learning_rate", f"{rate:g}", training={"learning_rate": rate}) for rate in LEARNING_RATES),
        Level("regularization", "none"),
        *(Level("regularization", name, fields) for name, fields in PENALTIES.items()),
        *(Level("augmentation", f"{strength:g}", training={"augment": strength}) for strength in AUGMENTATIONS),
    ]
    names = list(dict.fromkeys(level.factor for level in levels))
    if unknown := sorted({*factors} - {*names}):
        raise TrazoError(f"unknown choice {unknown[0]!r}; there are {', '.join(names)}")
    return [level for level in levels if not factors or level.factor in factors]


def _size_levels(deepest: int) -> Iterator[Level]:
    for blocks in range(1, deepest + 1):
        yield Level("layers", str(blocks), {"filters": tuple(16 * 2**block for block in range(blocks))})
    for first in FIRST_FILTERS:
        sizes = {"filters": (first, 2 * first), "dense_units": (4 * first,)}
        yield Level("neurons", f"{first}, {2 * first}, {4 * first}", sizes)


def _activation_levels() -> Iterator[Level]:
    for normalization in ("none", "batch"):
        for name in ACTIVATIONS:
            value = name if normalization == "none" else f"{name}, batch normalization"
            yield Level("activation", value, {"activation": name, "normalization": normalization})


def _loss_levels(task: str) -> Iterator[Level]:
    """Yield the task's losses; of the cross-entropies, which are one function under several names, only the default."""
    default, *others = HEADS[task].losses
    yield Level("loss", default)
    for name in others:
        if name not in CROSS_ENTROPIES:
            yield Level("loss", name, training={"loss": name})


def _optimizer_levels() -> Iterator[Level]:
    """Yield each optimizer at several rates: at one rate for all, the comparison would be of rates."""
    for name, optimizer in OPTIMIZERS.items():
        for factor in RATE_FACTORS:
            rate = float(f"{optimizer.learning_rates[2] * factor:.1g}")
            yield Level(
                "optimizer", f"{name}, {rate:g}", training={"optimizer": name, "learning_rate": rate}, group=name
            )
