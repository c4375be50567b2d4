"""Which trial of a search is trained: the best one, unless a preset may be as good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from model.io.reports.trials import Trial
from model.io.trials import PRESET_ORIGIN, rank_trials
from model.words import counted

MIN_TRAINING_SHARE = 0.5  # of a run's minutes; if what came before took longer, the run takes longer than its minutes


@dataclass(frozen=True)
class TrainingTime:
    """The time of a run that trains within its minutes what its search has chosen.

    Attributes:
        seconds: of the search and the training together.
        max_epochs: of the length of a trial's epoch, that a training has at most.
    """

    seconds: float
    max_epochs: float

    def epochs(self, trial: Trial, spent_s: float) -> float:
        """Return how many epochs, each as long as one of the trial's, fit into what the search leaves.

        Args:
            trial: whose settings would be trained.
            spent_s: seconds that the search has taken.
        """
        # The fastest epoch: the first one traces the network, and another program may slow down any.
        epoch_s = min((row.seconds for row in trial.history or () if row.seconds), default=None)
        left_s = max(self.seconds - spent_s, MIN_TRAINING_SHARE * self.seconds)
        return min(self.max_epochs, left_s / epoch_s) if epoch_s else self.max_epochs


def choose_trial(
    trials: Sequence[Trial],
    objective: str,
    direction: str,
    rows: int,
    time: TrainingTime | None = None,
    spent_s: float = 0.0,
) -> tuple[str | None, str | None]:
    """Return (id of the trial whose settings are trained, why it is not the best one; None if it is).

    The rule is that of Breiman et al. 1984, "Classification and Regression Trees": of those that differ by less than
    one standard error from the best, the simplest one. Here the simplest one is the first preset, which suits the
    images, then the best preset; presets were made for long trainings. The best of several trials is partly the
    luckiest one, and in short trials recipes look good that only learn fast.

    In a run of limited minutes a slow network trains for fewer epochs, although trials are compared after equally many.
    If the preset's training has so many times the epochs, so many standard errors count as no difference. A trial whose
    training would be shorter than the trial itself is not trained.

    Args:
        trials: of the search, with a score and equally long (see `comparable_trials`), in the order tried.
        objective: what they are compared by.
        direction: `max` or `min`.
        rows: that it was measured on; 0 if that is not known.
        time: for the training; None for any time.
        spent_s: seconds that the search has taken.
    """
    if not trials:
        return None, None
    epochs = {trial.trial_id: time.epochs(trial, spent_s) if time else math.inf for trial in trials}
    ranked = rank_trials(trials, direction)
    fitting = [trial for trial in ranked if epochs[trial.trial_id] >= len(trial.history or ())] or ranked
    best, presets = fitting[0], [trial for trial in fitting if _is_preset(trial)]
    first = [trial for trial in trials if trial in presets][:1]
    for preset in [*first, *presets[:1]]:
        if preset is best or best.score is None or preset.score is None or not rows:
            break
        lead, error = abs(best.score - preset.score), standard_error(objective, best.score, rows)
        longer = max(1.0, epochs[preset.trial_id] / epochs[best.trial_id]) if time else 1.0
        if lead > error * longer and not math.isclose(lead, error * longer, rel_tol=1e-6):
            continue
        name = (preset.origin or "").removeprefix(PRESET_ORIGIN)
        reason = (
            "that may be chance" if lead <= error else f"in the same minutes the preset trains {longer:.1f} × as long"
        )
        return preset.trial_id, (
            f"the preset {name}, because trial {best.trial_id} was better by {lead:.4f} only: {reason} "
            f"(standard error {error:.4f} on {counted(rows, 'validation row')})"
        )
    if best is ranked[0]:
        return best.trial_id, None
    return best.trial_id, (
        f"trial {best.trial_id}, because within the minutes a training of trial {ranked[0].trial_id} would be shorter "
        "than the trial was"
    )


def standard_error(objective: str, score: float, rows: int) -> float:
    """Return the standard error of a score.

    Args:
        objective: of the score, such as `val_accuracy`.
        score: of one trial.
        rows: that it was measured on, at least one.
    """
    # The errors of a regression are taken to be normal. Their absolute values then have a standard deviation of
    # √(π/2 − 1) times their mean (Leone et al. 1961, "The Folded Normal Distribution"), and the mean of their squares
    # has a relative standard error of √(2/n), as a χ² has.
    if objective == "val_mean_absolute_error":
        return score * math.sqrt((math.pi / 2 - 1) / rows)
    if objective == "val_r2":
        return (1 - score) * math.sqrt(2 / rows)
    # Others are shares. Smoothed (Laplace), so that a perfect score has an error as well; and one row more is never
    # more than chance. Measures that weigh the classes equally have a larger error if some classes are rare.
    smoothed = (score * rows + 1) / (rows + 2)
    return max(math.sqrt(smoothed * (1 - smoothed) / rows), 1 / rows)


def _is_preset(trial: Trial) -> bool:
    return trial.origin is not None and trial.origin.startswith(PRESET_ORIGIN)
