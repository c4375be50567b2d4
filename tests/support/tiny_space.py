"""A search space of two tiny networks, and a search of it, so that tests of the search do not wait for trainings."""

import json
from pathlib import Path

from tests.conftest import SAMPLE
from training.commands.tune import tune as search_data
from training.config import DataConfig, TuneConfig
from training.tuning.search_space import SearchSpace


class TinySpace(SearchSpace):
    """The form of the real space with two small networks."""

    def point(self, hp):
        """Return a point; its network has 2 or 3 filters."""
        architecture = {"filters": (hp.Choice("filters", [2, 3]),), "convolutions": 1, "dense_units": ()}
        architecture["normalization"] = "none"  # fewer variables, whose update TensorFlow traces one by one
        rate = hp.Float("learning_rate", 1e-3, 1e-2, sampling="log")
        return architecture | {"scaling": "min-max"}, {"loss": "", **self.overrides, "learning_rate": rate}

    def known_points(self):
        """Return no presets: their networks are not in this space."""
        return {}


QUICK_TRAINING = {"batch_size": 32, "augment": 0.0, "optimizer": "sgd"}  # what TensorFlow traces in no time


def tune(folder: Path, data=(), training=(), **settings) -> dict:
    """Search on the sample with trials of two steps; return trials.json.

    Args:
        folder: of the run.
        data: more fields of DataConfig.
        training: more overrides.
        settings: more fields of TuneConfig.
    """
    search = TuneConfig(**{"trial_epochs": 1, "trial_steps": 2} | settings)
    data = DataConfig(SAMPLE, **dict(data))
    report = search_data(data, QUICK_TRAINING | dict(training), search, folder).to_dict()
    assert report == json.loads((folder / "trials.json").read_text())
    return report


def assert_same_trials(a: Path, b: Path) -> None:
    """Compare what two runs found: points, scores and histories."""
    first, second = (json.loads((folder / "trials.json").read_text())["trials"] for folder in (a, b))
    for one, other in zip(first, second, strict=True):
        assert (one["hyperparameters"], one["score"]) == (other["hyperparameters"], other["score"])
        assert [row["val_loss"] for row in one["history"]] == [row["val_loss"] for row in other["history"]]
