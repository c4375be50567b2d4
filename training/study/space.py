"""The points of a study as KerasTuner sees them: a level of the design, and a seed."""

from collections.abc import Sequence
from typing import Any

from model.backend import keras
import keras_tuner

from model.config import CnnConfig
from model.network import build_network
from model.scaling import PixelHistogram
from training.config import MAX_SEEDS
from training.presets import Preset
from training.study.design import ARCHITECTURE, BASE, TRAINING, Level


class StudySpace(keras_tuner.HyperModel):
    """The search space of a study. It is a `training.tuning.search_space.Space`.

    Attributes:
        base: fields of CnnConfig that the dataset gives: task, labels, image_shape, pixel_format.
        overrides: fields of TrainConfig that the user chose: none, the design sets all that matters.
        presets: that points start from: none.
        searched: names of the hyperparameters.
    """

    searched = ("level", "seed")

    def __init__(
        self,
        base: dict[str, Any],
        histogram: PixelHistogram,
        levels: Sequence[Level],
        seeds: int,
    ) -> None:
        """Set what all points share.

        Args:
            base: see the attribute.
            histogram: of the pixels of the training rows, for the scaling.
            levels: the design.
            seeds: runs of each level, with seeds 0, 1, …
        """
        super().__init__(name="study")
        self.base = base
        self.overrides: dict[str, Any] = {}
        self.presets: dict[str, Preset] = {}
        self._histogram = histogram
        self._levels = {BASE: Level("", "")} | {level.key: level for level in levels if level.key != BASE}
        self._seeds = seeds

    def plan(self) -> list[dict[str, Any]]:
        """Return the values of every point in the order in which they run.

        Seed by seed, so that a study that is stopped has compared all levels with fewer seeds.
        """
        return [{"level": level, "seed": seed} for seed in range(self._seeds) for level in self._levels]

    def point(self, hp: keras_tuner.HyperParameters) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (fields of CnnConfig, fields of TrainConfig) of a point; `scaling` is the name of the method."""
        level = self._levels[hp.Choice("level", list(self._levels))]
        seed = hp.Int("seed", 0, MAX_SEEDS - 1)
        return ARCHITECTURE | dict(level.architecture), TRAINING | dict(level.training) | {"seed": seed}

    def config(self, hp: keras_tuner.HyperParameters) -> CnnConfig:
        """Return the config of a point's network, with the scaling fitted.

        Raises:
            TrazoError: if no network has this combination.
        """
        architecture, training = self.point(hp)
        architecture["scaling"] = self._histogram.fit(architecture["scaling"])
        return CnnConfig(**self.base | architecture, loss=training["loss"])

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return the network of a point with fresh weights, as KerasTuner requires of a HyperModel."""
        return build_network(self.config(hp))
