"""Presets as points of the search space, so that a search starts from recipes that are known to work."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from model.config import CnnConfig
from model.errors import TrazoError
from training.config import TRIAL_OPTIONS, TrainConfig
from training.presets import PRESETS, Preset

RGB_CHANNELS = 3
# Fields that hyperparameters set. What else a preset says is part of each of its points, and is not searched.
ARCHITECTURE_FIELDS = (
    "filters", "convolutions", "kernel_size", "pooling", "activation", "normalization", "dense_units", "dropout",
    "dense_dropout", "scaling", "l1", "l2",
)  # fmt: skip
TRAINING_FIELDS = ("schedule", "batch_size", "augment", "optimizer", "learning_rate", "loss", *TRIAL_OPTIONS)


@dataclass(frozen=True)
class PresetPoint:
    """What a preset says, divided into what a search may vary and the rest."""

    values: dict[str, Any]  # hyperparameter -> value; those that the preset's own network and recipe have
    architecture: dict[str, Any]  # other fields of CnnConfig
    training: dict[str, Any]  # other fields of TrainConfig
    length: dict[str, Any]  # fields of TrainConfig that say how long it trains; a trial has its own length
    filters: tuple[int, ...]  # of each block
    convolutions: int | tuple[int, ...]  # in all or each block

    @classmethod
    def of(cls, preset: Preset, base: Mapping[str, Any]) -> "PresetPoint":
        """Divide a preset for a dataset.

        Args:
            preset: network and recipe.
            base: fields of CnnConfig that the dataset gives: task, labels, image_shape.

        Raises:
            TrazoError: if there is no such network for these images.
        """
        architecture, training = dict(preset.architecture), dict(preset.training)
        scaling = architecture.pop("scaling")
        config = CnnConfig(**dict(base) | architecture, loss=training.get("loss", ""))
        recipe = TrainConfig(**training)
        values = {name: getattr(config, name) for name in ("kernel_size", "activation", "normalization", "pooling")}
        values |= {name: getattr(config, name) for name in ("dropout", "dense_dropout", "regularization", "l1", "l2")}
        values |= {name: getattr(recipe, name) for name in ("schedule", "batch_size", "augment", "optimizer")}
        values |= {
            "blocks": len(config.filters),
            "filters": config.filters[0],
            "convolutions": config.convolutions_of_blocks[0],
            "dense_units": config.dense_units[0] if config.dense_units else 0,
            "scaling": scaling,
            "loss": config.loss,
            f"learning_rate_{recipe.optimizer}": recipe.learning_rate,
        }
        absent = {name for name in ("l1", "l2") if not values[name]} | (
            set() if config.dense_units else {"dense_dropout"}
        )
        return cls(
            values={name: value for name, value in values.items() if name not in absent},
            architecture={k: v for k, v in architecture.items() if k not in ARCHITECTURE_FIELDS},
            training={k: v for k, v in training.items() if k not in TRAINING_FIELDS},
            length={name: getattr(recipe, name) for name in TRIAL_OPTIONS},
            filters=config.filters,
            convolutions=config.convolutions,
        )

    def filters_of(self, blocks: int, first: int) -> tuple[int, ...]:
        """Return the filters of each block: in the preset's proportions, and twice as many in each further block."""
        shares = [count / self.filters[0] for count in self.filters[:blocks]]
        while len(shares) < blocks:
            shares.append(2 * shares[-1])
        return tuple(max(1, round(first * share)) for share in shares)

    def convolutions_of(self, blocks: int, first: int) -> int | tuple[int, ...]:
        """Return the convolutions of each block: as many more or fewer as the first block has than the preset's."""
        if isinstance(self.convolutions, int):
            return first
        counts = [*self.convolutions[:blocks], *[self.convolutions[-1]] * (blocks - len(self.convolutions))]
        return tuple(max(1, count + first - self.convolutions[0]) for count in counts)


def suitable_presets(
    base: Mapping[str, Any], rows: int, first: str, sketches: bool = False, max_params: int | None = None
) -> dict[str, Preset]:
    """Return the presets that suit a dataset, fitted to it; first the one that a training without a search uses.

    `drawings` is for datasets of free drawings, `photo` for images in color. `fast` and `small` give up accuracy for a
    first result and for few weights: they look good in short trials, and are for networks that must be small. A preset
    whose network cannot be built for images of this size is left out.

    Args:
        base: fields of CnnConfig that the dataset gives: task, labels, image_shape.
        rows: to learn from.
        first: a key of `PRESETS`.
        sketches: whether some of the training images are free drawings.
        max_params: parameters of a network at most; None for any number.
    """
    image_shape = base["image_shape"]
    suits = {"drawings": sketches, "photo": image_shape[2] == RGB_CHANNELS, "fast": False, "small": False}
    presets = {name: PRESETS[name]().fit_to(base["task"], image_shape, rows) for name in PRESETS}
    possible = {name: config for name, preset in presets.items() if (config := _config(preset, base))}
    names = [first, *(name for name in PRESETS if name != first and suits.get(name, True))]
    fitting = [name for name in names if name in possible and _is_small(possible[name], max_params)]
    if not fitting:
        fitting = [name for name in ("small", "fast") if name in possible and _is_small(possible[name], max_params)]
    return {name: presets[name] for name in fitting}


def _config(preset: Preset, base: Mapping[str, Any]) -> CnnConfig | None:
    """Return the config of a preset's network, with any scaling; None if there is no such network."""
    architecture = {name: value for name, value in preset.architecture.items() if name != "scaling"}
    try:
        return CnnConfig(**dict(base) | architecture)
    except TrazoError:
        return None


def _is_small(config: CnnConfig, max_params: int | None) -> bool:
    return max_params is None or sum(map(prod, config.weight_shapes.values())) <= max_params
