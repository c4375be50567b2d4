"""What the learning curves on the screen show, in sentences that are only said when it is so."""

from collections.abc import Sequence
from typing import NamedTuple

from ui.figures.axes import format_score
from ui.i18n import Language, number, translate
from ui.reports.parse import TrainingView
from ui.reports.runs import compare_runs, trial_key, trial_runs
from ui.reports.search import Search, TrialView

Curve = Sequence[float | None]
MIN_RISE = 0.02  # of the validation loss above its lowest value, as a share of it: less is noise
FEW_SHARE = 0.1  # of trials that overfit: with fewer, a search says nothing about remedies for it
# Settings that make training images harder than those of the validation, or switch units off while training.
HARDER = ("augment", "elastic_transform", "stroke_jitter", "random_erasing", "digit_variants", "coarse_scans")
DROPOUTS = ("dropout", "dense_dropout")


class Overfitting(NamedTuple):
    """Where the validation loss was lowest, and how far it has risen since while the training loss fell."""

    epoch: int  # from 1
    low: float
    last: float


def find_overfitting(loss: Curve, val_loss: Curve) -> Overfitting | None:
    """Return when a network started to memorize; None if its validation loss has not risen again."""
    pairs = [
        (place, fitted, held_out)
        for place, (fitted, held_out) in enumerate(zip(loss, val_loss, strict=False), 1)
        if fitted is not None and held_out is not None
    ]
    if len(pairs) < 2:
        return None
    epoch, fitted, low = min(pairs, key=lambda pair: pair[2])
    _, last_fitted, last = pairs[-1]
    is_rising = last > low + MIN_RISE * abs(low) and last_fitted < fitted
    return Overfitting(epoch, low, last) if is_rising else None


def learning_curve_sentence(training: TrainingView, language: Language) -> str:
    """Return whether the model's curves show overfitting, and why validation is better than training, if it is."""
    loss, val_loss = training.curves.get("loss", ([], []))
    pairs = [pair for pair in zip(loss, val_loss, strict=False) if None not in pair]
    if not pairs:
        return ""
    better = sum((held_out or 0) < (fitted or 0) for fitted, held_out in pairs)
    sentences = []
    if 2 * better > len(pairs):
        sentences.append(translate("curve_above", language, count=better, epochs=len(pairs)))
        sentences.append(translate(f"curve_above_{_reason(training)}", language))
    if found := find_overfitting(loss, val_loss):
        low, last = format_score(found.low, language), format_score(found.last, language)
        sentences.append(
            translate("curve_overfits", language, epoch=training.epochs[found.epoch - 1], low=low, last=last)
        )
    else:
        sentences.append(translate("curve_fits", language, epochs=len(pairs)))
    return " ".join(sentences)


def search_length_sentence(search: Search, language: Language) -> str:
    """Return how many trials went as far as overfitting, and what the search therefore cannot show."""
    trials = [trial for trial in search.scored if _losses(trial)]
    if not trials:
        return ""
    longest = max(len(trial.history) for trial in trials)
    count = sum(find_overfitting(*losses) is not None for trial in trials if (losses := _losses(trial)))
    key = "search_too_short" if count < FEW_SHARE * len(trials) else "search_overfits"
    texts = {"epochs": longest, "count": count, "trials": len(trials)}
    return translate(key, language, **{name: number(value, ",", language) for name, value in texts.items()})


def start_sentence(search: Search, language: Language) -> str:
    """Return whether the search found anything better than the point that it started from; empty if that is unknown."""
    start = search.start
    others = [trial for trial in search.comparable().ranked().trials if trial is not start and trial.score is not None]
    if start is None or start.score is None or not others:
        return ""
    runs = {run.key: run for run in trial_runs(search)}
    found = compare_runs(runs[trial_key(others[0])], runs[trial_key(start)])
    is_better = (others[0].score or 0) > start.score if search.descending else (others[0].score or 0) < start.score
    key = {"same": "start_same", "untested": "start_better" if is_better else "start_best"}.get(
        found.verdict, "start_better" if found.first_is_better else "start_best"
    )
    scores = [format_score(trial.score or 0, language) for trial in (start, others[0])]
    return translate(
        key, language, start=start.order, best=others[0].order, score=scores[0], other=scores[1], count=len(others)
    )


def _losses(trial: TrialView) -> tuple[Curve, Curve] | None:
    found = trial.curves.get("loss"), trial.curves.get("val_loss")
    return (found[0], found[1]) if found[0] and found[1] and len(found[0]) > 1 else None


def _reason(training: TrainingView) -> str:
    """Return the last part of the key of the reason why training is harder than validation."""
    harder, dropped = (any(training.settings.get(name) for name in names) for names in (HARDER, DROPOUTS))
    return "both" if harder and dropped else "harder" if harder else "dropout" if dropped else "mean"
