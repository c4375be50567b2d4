"""How the trials of a search are read: which of them can be compared, their order, and one learning rate."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

LEARNING_RATE = "learning_rate"
PRESET_ORIGIN = "preset "  # begins the origin of a trial that is a preset as it is


class ScoredTrial(Protocol):
    """What any trial has, as trials.json holds it or as the page shows it."""

    @property
    def score(self) -> float | None:
        """The objective of the best epoch; None if the trial failed or has not ended."""

    @property
    def history(self) -> Sequence[Any] | None:
        """One item per epoch."""

    @property
    def stopped(self) -> Any:
        """Something true if it was stopped before its full length."""


class KnownTrial(ScoredTrial, Protocol):
    """What a trial of trials.json has."""

    @property
    def trial_id(self) -> str:
        """Its id."""

    @property
    def origin(self) -> str | None:
        """Of a known first point: its preset, or the run it comes from."""


T = TypeVar("T", bound=ScoredTrial)


def get_optimizer(name: str) -> str | None:
    """Return `adam` for the hyperparameter `learning_rate_adam`, and None for any other name.

    Each optimizer has a separate range in the search space, and therefore a separate name; a trial has one rate.
    """
    prefix = f"{LEARNING_RATE}_"
    return name.removeprefix(prefix) if name.startswith(prefix) else None


def fold_learning_rate(name: str) -> str:
    """Return `learning_rate` for the rate of any optimizer, such as `learning_rate_adam`, and any other name as it is.

    Example:
        >>> fold_learning_rate("learning_rate_adam"), fold_learning_rate("batch_size")
        ('learning_rate', 'batch_size')
    """
    return name if get_optimizer(name) is None else LEARNING_RATE


def rank_trials(trials: Iterable[T], direction: str) -> list[T]:
    """Return the trials from best to worst, those without a score last.

    Args:
        trials: in the order tried, which equal ones keep.
        direction: `max` or `min`, as in the `objective` of trials.json.
    """
    sign = -1 if direction == "max" else 1
    return sorted(trials, key=lambda trial: (trial.score is None, sign * (trial.score or 0)))


def comparable_trials(trials: Iterable[T], strategy: str | None) -> list[T]:
    """Return the trials with a score that were trained equally long.

    Most trials of a Hyperband search are short, and a trial that was stopped has no score of full length: they say
    little about the others, and are left out.

    Args:
        trials: of one search.
        strategy: of the search, as in trials.json.
    """
    scored = [trial for trial in trials if trial.score is not None and not trial.stopped]
    if strategy != "hyperband":
        return scored
    longest = max((len(trial.history or ()) for trial in scored), default=0)
    return [trial for trial in scored if len(trial.history or ()) == longest]


def compare_with_presets(trials: Sequence[KnownTrial], best_id: str, strategy: str | None = None) -> str:
    """Return, in words, what the presets reached that a search tried at the same length; empty if it tried none.

    Args:
        trials: of one search.
        best_id: of its best trial.
        strategy: of the search, as in trials.json.
    """
    found, comparable = list[str](), comparable_trials(trials, strategy)
    for trial in trials:
        if trial.origin is None or not trial.origin.startswith(PRESET_ORIGIN):
            continue
        if trial.score is not None and not trial.stopped and trial not in comparable:
            continue  # shorter
        name = trial.origin.removeprefix(PRESET_ORIGIN)
        if trial.trial_id == best_id:
            found.insert(0, f"the best trial is {name}")
        elif trial.stopped:
            found.append(f"{name} was stopped after epoch {len(trial.history or ())}")
        else:
            found.append(f"{name} {'failed' if trial.score is None else f'{trial.score:.4f}'}")
    return f"the presets at the same length: {', '.join(found)}" if found else ""
