"""Whether a network is the winner of a search: its settings, in the words of the search, against the best trial's."""

import math
from typing import Any

from model.config import CnnConfig
from model.io.reports.training import TrainingReport
from ui.reports.search import TrialView

MAX_RELATIVE_DIFFERENCE = 1e-6  # of two numbers that are the same one, written by different programs


def settings_of(config: CnnConfig, training: TrainingReport) -> dict[str, Any]:
    """Return a trained network's settings by the names of a search's hyperparameters.

    A search describes the filters by those of the first block, because each next block has twice as many; a network
    that is made otherwise has all of them here, which equal no number.
    """
    first = config.filters[0] if config.filters else 0  # none with a backbone
    convolutions = config.convolutions_of_blocks
    doubling = all(one == first << block for block, one in enumerate(config.filters))
    names = ("kernel_size", "activation", "normalization", "pooling", "dropout", "dense_dropout", "l1", "l2", "loss")
    return {name: value for name, value in training.hyperparameters.items() if name != "filters"} | {
        "blocks": len(config.filters),
        "filters": first if doubling else config.filters,
        "convolutions": convolutions[0] if len(set(convolutions)) == 1 else convolutions,
        "dense_units": config.dense_units[0] if len(config.dense_units) == 1 else config.dense_units or 0,
        "scaling": config.scaling.method,
        "regularization": config.regularization,
        **{name: getattr(config, name) for name in names},
    }


def differences(config: CnnConfig, training: TrainingReport, trial: TrialView) -> list[str]:
    """Return the hyperparameters of a trial in which a network differs from it, in the trial's order.

    An empty list means that the network is made and trained as the trial was. A hyperparameter that the network's
    reports do not know counts as different.
    """
    own = settings_of(config, training)
    if "preset" in trial.hyperparameters:  # which gives the other blocks' shares of the first one's
        own |= {"filters": next(iter(config.filters), 0), "convolutions": next(iter(config.convolutions_of_blocks), 0)}
    return [name for name, value in trial.hyperparameters.items() if not _is_same(own.get(name), value)]


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=MAX_RELATIVE_DIFFERENCE)
    return one == other
