"""What is searched, on which rows, from which points on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner

from model.errors import TrazoError
from model.network import build_network
from training.config import TrainConfig, TuneConfig
from training.data.stream import HubStream
from training.tuning.choice import TrainingTime
from training.tuning.search_space import Space


@dataclass(frozen=True)
class SearchJob:
    """What is searched, on which rows, and where its files go."""

    space: Space
    settings: TrainConfig  # of every trial; a trial's hyperparameters replace some fields
    tune: TuneConfig
    train: HubStream  # rows to learn from
    validation: HubStream  # rows that score a trial
    folder: Path  # of the run: trials.json, and the tuner's files in `tuner/`
    track: Sequence[str] = ()  # trackers that each trial is reported to
    plan: Sequence[dict[str, Any]] | None = None  # the points in their order; None: the strategy chooses them
    known: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # where a first point comes from -> its values
    is_of_run: bool = False  # a training follows within the same command
    training_time: TrainingTime | None = None  # of the training that follows within the same minutes; None: any time

    @cached_property
    def starting_points(self) -> dict[str, dict[str, Any]]:
        """Return the known points that are within the budget of parameters, each once, by their origin."""
        if self.plan is not None or self.tune.strategy == "grid":  # whose order has no gaps
            return {}
        found: dict[str, dict[str, Any]] = {}
        for origin, values in self.known.items():
            hp = keras_tuner.HyperParameters()
            hp.values = dict(values)
            if values not in found.values() and self.is_small_enough(hp):
                found[origin] = values
        return found

    def is_small_enough(self, hp: keras_tuner.HyperParameters) -> bool:
        """Return whether the network of a point is within the budget of parameters."""
        max_params = self.tune.max_params
        if max_params is None:
            return True
        try:
            config = self.space.config(hp)
        except TrazoError:
            return True  # there is no such network: its trial fails with the reason
        # The first count leaves out little and is fast: only a network that passes it is built.
        return config.kernel_parameters <= max_params and build_network(config).count_params() <= max_params
