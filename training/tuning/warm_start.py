"""`--warm-start RUN`: the best trial of another search as one of the first points."""

from pathlib import Path
from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner

from model.errors import TrazoError
from training.tuning.search_space import SearchSpace
from training.tuning.trials_report import read_trials


def read_warm_start(run: Path, space: SearchSpace) -> dict[str, Any]:
    """Return the hyperparameters of a run's best trial.

    Args:
        run: folder with a trials.json; its dataset may be another one.
        space: of the search that starts.

    Raises:
        TrazoError: if the run has no best trial, or the trial is not a point of this space.
    """
    report = read_trials(run)
    if report.best is None:
        raise TrazoError(f"--warm-start {run}: none of its trials has completed")
    values = report.best.hyperparameters
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    try:
        space.point(hp)
    except KeyError:  # a preset that this dataset does not suit
        raise _refusal(run, f"preset {values.get('preset')} does not suit this dataset") from None
    mine = {one.name: one for one in hp.space if hp.is_active(one)}
    if only_there := sorted(values.keys() - mine.keys()):
        raise _refusal(run, f"it varied {', '.join(only_there)}, which this search does not")
    if only_here := sorted(mine.keys() - values.keys()):
        raise _refusal(run, f"it did not vary {', '.join(only_here)}, which this search does")
    for name, parameter in mine.items():
        if not _allows(parameter, values[name]):
            raise _refusal(run, f"its {name} {values[name]} is not among the values of this one")
    return values


def _refusal(run: Path, difference: str) -> TrazoError:
    return TrazoError(
        f"--warm-start {run}: its search has another space: {difference}; give the same --search and training options"
    )


def _allows(parameter: Any, value: Any) -> bool:
    """Return whether a hyperparameter of KerasTuner can have a value: a choice has a list, a range two ends."""
    if isinstance(parameter, keras_tuner.engine.hyperparameters.Choice):
        return value in parameter.values
    return isinstance(value, (int, float)) and parameter.min_value <= value <= parameter.max_value
