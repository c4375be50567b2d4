"""Which trial of a search is trained: the best one, unless a preset may be as good."""

import math
from collections.abc import Sequence

from model.io.reports.trials import Trial
from model.io.trials import PRESET_ORIGIN, rank_trials
from model.words import counted


def choose_trial(
    trials: Sequence[Trial], best_id: str | None, objective: str, direction: str, rows: int
) -> tuple[str | None, str | None]:
    """Return (id of the trial whose settings are trained, why it is not the best one; None if it is).

    The rule is that of Breiman et al. 1984, "Classification and Regression Trees": of two that differ by less than one
    standard error, the simpler one. Here the simpler one is a preset, which was made for long trainings. The best of
    several trials is partly the luckiest one, and in short trials recipes look good that only learn fast.

    Args:
        trials: of the search.
        best_id: of the best one; None if none has completed.
        objective: what they are compared by.
        direction: `max` or `min`.
        rows: that it was measured on; 0 if that is not known.
    """
    best = next((trial for trial in trials if trial.trial_id == best_id), None)
    presets = [trial for trial in trials if trial.score is not None and not trial.stopped and _is_preset(trial)]
    if best is None or best.score is None or best in presets or not presets:
        return best_id, None
    preset = rank_trials(presets, direction)[0]
    if objective != "val_accuracy" or not rows or preset.score is None:
        return best_id, None
    error = math.sqrt(max(0.0, best.score * (1 - best.score)) / rows)
    if best.score - preset.score > error:
        return best_id, None
    name = (preset.origin or "").removeprefix(PRESET_ORIGIN)
    return preset.trial_id, (
        f"the preset {name}, because trial {best.trial_id} was better by {best.score - preset.score:.4f} only: that "
        f"may be chance (standard error {error:.4f} on {counted(rows, 'validation row')})"
    )


def _is_preset(trial: Trial) -> bool:
    return trial.origin is not None and trial.origin.startswith(PRESET_ORIGIN)
