"""From the runs of a study to study.json: means, intervals, and which differences are more than chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from scipy import stats

from model.io.reports.study import Factor
from model.io.reports.study import Level as LevelReport
from model.io.reports.training import Epoch
from model.io.reports.trials import Trial
from model.significance import holm, welch_p
from training.study import design

CONFIDENCE = 0.95
PATIENCES = (1, 3, 5)  # epochs without a better validation loss, of the early stopping that is compared
CURVES = ("loss", "val_loss")  # besides the measure, on training and validation rows


@dataclass(frozen=True)
class Measure:
    """What is compared: a column of the history, and whether more of it is better."""

    name: str  # such as `accuracy`; `val_accuracy` is its value on the validation rows
    higher_is_better: bool

    @property
    def column(self) -> str:
        """Its name in a history."""
        return f"val_{self.name}"


def summarize(levels: Sequence[design.Level], trials: Sequence[Trial], measure: Measure) -> list[Factor]:
    """Return every choice with the results of its values, and early stopping, which needs no further runs.

    Args:
        levels: the design.
        trials: its runs, also those that have not ended; they have hyperparameters `level` and `seed`.
        measure: what is compared.
    """
    runs: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.status != "RUNNING":
            runs.setdefault(str(trial.hyperparameters["level"]), []).append(trial)
    base = runs.get(design.BASE, [])
    factors = []
    for name in dict.fromkeys(level.factor for level in levels):
        of_factor = [level for level in levels if level.factor == name]
        rows = [_level(level, runs.get(level.key, []), measure) for level in of_factor]
        factors.append(Factor(name=name, levels=compare(rows, measure.higher_is_better)))
    stopping = compare(_early_stopping(base, measure), measure.higher_is_better)
    return [*factors, Factor(name="early_stopping", levels=stopping)]


def compare(levels: Sequence[LevelReport], higher_is_better: bool) -> list[LevelReport]:
    """Return the levels of one choice with difference, p and verdict against the base, which is one of them.

    Welch's t-test (Welch 1947) does not assume that all values scatter alike; a learning rate that is too high does
    not. With Holm's method (Holm 1979) the chance of any false verdict in one choice is at most 5 %.
    """
    base = next((level for level in levels if level.is_base), None)
    if base is None:  # the base network is not one of the values, as for an optimizer's usual rates
        return list(levels)
    base_scores = _numbers(base.scores)
    chosen = _best_of_groups(levels, higher_is_better)
    tested = [
        level for level in chosen if not level.is_base and len(_numbers(level.scores)) > 1 and len(base_scores) > 1
    ]
    adjusted = holm([welch_p(_numbers(level.scores), base_scores) for level in tested])
    p_of = {level.value: p for level, p in zip(tested, adjusted, strict=True)}
    compared = []
    for level in levels:
        difference = level.mean - base.mean if level.mean is not None and base.mean is not None else None
        p = p_of.get(level.value)
        if level.is_base:
            verdict = "base"
        elif level not in chosen:
            verdict = "not compared"
        elif p is None or difference is None:
            verdict = "unknown"
        elif p >= 1 - CONFIDENCE:
            verdict = "indistinguishable"
        else:
            verdict = "better" if (difference > 0) == higher_is_better else "worse"
        compared.append(level.model_copy(update={"difference": difference, "p": p, "verdict": verdict}))
    return compared


def _best_of_groups(levels: Sequence[LevelReport], higher_is_better: bool) -> list[LevelReport]:
    """Return the levels without a group, and of each group the one with the best mean."""
    best: dict[str, LevelReport] = {}
    for level in levels:
        key = level.group or f"value {level.value}"
        if key not in best or _rank(level, higher_is_better) > _rank(best[key], higher_is_better):
            best[key] = level
    return list(best.values())


def _rank(level: LevelReport, higher_is_better: bool) -> float:
    if level.mean is None:
        return -math.inf
    return level.mean if higher_is_better else -level.mean


def _level(level: design.Level, runs: Sequence[Trial], measure: Measure) -> LevelReport:
    runs = sorted(runs, key=lambda run: int(str(run.hyperparameters["seed"])))
    scores = [run.history[-1].value(measure.column) if run.score is not None and run.history else None for run in runs]
    reasons = [run.reason for run in runs if run.reason]
    return LevelReport(
        value=level.value,
        is_base=level.key == design.BASE,
        group=level.group,
        verdict="unknown",
        epochs=_mean([len(run.history or []) for run in runs]),
        parameters=next((run.parameters for run in runs if run.parameters), None),
        # Of the fastest run: what else the machine does can only make a run slower.
        seconds=min(_numbers([run.seconds for run in runs]), default=None),
        reason=reasons[0] if reasons else None,
        curves=_curves([run.history or [] for run in runs if run.score is not None], measure),
        **_statistics(scores),
    )


def _early_stopping(base: Sequence[Trial], measure: Measure) -> list[LevelReport]:
    """Return what the base network's runs would have given, had they stopped early and kept the best epoch's weights.

    The epoch is chosen by the loss on the validation rows, and the measure is of the same rows: a small advantage over
    rows that chose nothing.
    """
    runs = sorted(base, key=lambda run: int(str(run.hyperparameters["seed"])))
    histories = [run.history for run in runs if run.score is not None and run.history]
    totals = [(sum(epoch.seconds or 0 for epoch in history), len(history)) for history in histories]
    seconds_per_epoch = min((seconds / epochs for seconds, epochs in totals), default=0.0)
    levels = []
    for patience in (None, *PATIENCES):
        stops = [_stop(history, patience) for history in histories]
        scores = [history[kept].value(measure.column) for history, (kept, _) in zip(histories, stops, strict=True)]
        lengths = [length for _, length in stops]
        levels.append(
            LevelReport(
                value="none" if patience is None else f"patience {patience}",
                is_base=patience is None,
                verdict="unknown",
                epochs=_mean(lengths),
                parameters=base[0].parameters if base else None,
                seconds=seconds_per_epoch * fmean(lengths) if lengths else None,
                **_statistics(scores),
            )
        )
    return levels


def _stop(history: Sequence[Epoch], patience: int | None) -> tuple[int, int]:
    """Return (index of the epoch whose weights are kept, number of epochs trained)."""
    if patience is None:
        return len(history) - 1, len(history)
    best, best_loss = 0, float("inf")
    for index, epoch in enumerate(history):
        loss = epoch.val_loss if epoch.val_loss is not None else float("inf")
        if loss < best_loss:
            best, best_loss = index, loss
        elif index - best >= patience:
            return best, index + 1
    return best, len(history)


def _statistics(scores: Sequence[float | None]) -> dict[str, Any]:
    """Return the scores, their mean, and the mean's interval by Student's t."""
    values = _numbers(scores)
    found: dict[str, Any] = {"scores": list(scores), "mean": _mean(values)}
    if len(values) > 1:
        margin = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stdev(values) / len(values) ** 0.5
        found |= {"low": found["mean"] - margin, "high": found["mean"] + margin}
    return found


def _curves(histories: Sequence[Sequence[Epoch]], measure: Measure) -> dict[str, list[float | None]]:
    """Return the mean of each measure after each epoch, over the runs that have this epoch."""
    longest = max((len(history) for history in histories), default=0)
    epochs = [[history[index] for history in histories if index < len(history)] for index in range(longest)]
    return {
        name: [_mean([epoch.value(name) for epoch in of_runs]) for of_runs in epochs]
        for name in (*CURVES, measure.name, measure.column)
    }


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = _numbers(values)
    return fmean(numbers) if numbers else None
