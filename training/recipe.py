"""The network and recipe of a training: those of a preset, fitted to the data and to what its validation rows allow."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.logs import log_once
from model.scaling import PixelHistogram
from training.config import TrainConfig
from training.data.splits import TrainingData
from training.evaluation.mirroring import check_mirroring
from training.presets import PRESETS, choose_preset

MIRROR_FILE = "mirror.json"  # in a run's folder: what was found about mirrored images
MIRRORED_SHARE = 0.5  # of the images, if the classes allow it


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
        architecture: fields of CnnConfig; `scaling` is the method's name.
        training: fields of TrainConfig.
        preset: where both come from; None for a search.
        mirrors_if_it_may: whether `mirror` is still to be decided; see `decide_mirroring`.
        decisions: what was decided from the data and why, a sentence each.
        start: of a search, the preset that its point started from.
    """

    architecture: dict[str, Any]
    training: dict[str, Any]
    preset: str | None = None
    mirrors_if_it_may: bool = False
    decisions: tuple[str, ...] = ()
    start: str | None = None


def choose_recipe(opened: TrainingData, name: str | None = None) -> Recipe:
    """Return the recipe of a preset for a dataset.

    Args:
        opened: the data.
        name: of the preset; None for the one that suits the images.
    """
    decisions: tuple[str, ...] = ()
    if name is None:
        name = choose_preset(opened.image_kind.photographs)
        decisions = (f"preset {name}, because {opened.image_kind.reason}",)
    preset = PRESETS[name]().fit_to(opened.train.task, opened.image_shape, opened.train.rows)
    return Recipe(dict(preset.architecture), dict(preset.training), name, preset.mirrors_if_it_may, decisions)


def decide_mirroring(
    recipe: Recipe,
    opened: TrainingData,
    config_fields: dict[str, Any],
    histogram: PixelHistogram,
    overrides: dict[str, Any],
    folder: Path,
) -> Recipe:
    """Return the recipe with `mirror` as the validation rows allow it, if it is neither given nor fixed; logs why.

    Args:
        recipe: what `choose_recipe` returns.
        opened: the data.
        config_fields: fields of CnnConfig that the data gives.
        histogram: of the pixels of the training rows.
        overrides: fields of TrainConfig that the user chose.
        folder: the run; it keeps what was found, so that a second call trains nothing.
    """
    if not recipe.mirrors_if_it_may or "mirror" in overrides:
        return recipe
    fields = config_fields | {"scaling": histogram.fit("z-score")}
    check = check_mirroring(opened, fields, overrides.get("seed", TrainConfig.seed), folder / MIRROR_FILE)
    learned = "learned from" if check.allowed else "not learned from"
    decision = f"mirrored images are {learned}: a small network that saw none {check.reason}"
    log_once(f"{decision} (overrule with --mirror)")
    return replace(
        recipe,
        training=recipe.training | {"mirror": MIRRORED_SHARE if check.allowed else 0.0},
        mirrors_if_it_may=False,
        decisions=(*recipe.decisions, decision),
    )
