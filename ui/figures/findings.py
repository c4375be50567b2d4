"""What a search hints at about each choice of a network: a verdict of a test, and only then what did better."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from model.heads import CROSS_ENTROPIES
from model.io.trials import LEARNING_RATE
from model.significance import aligned, holm, permutation_p
from ui.figures.axes import format_p, format_setting
from ui.figures.style import escape_text
from ui.i18n import Language, UserError, display_name, number, translate
from ui.markup import html_text
from ui.reports.runs import MAX_P
from ui.reports.search import Search, TrialView, is_number

# The choices that the course teaches, and normalization first: it decides whether the others learn at all.
STRATUM = "normalization"
CHOICES = (STRATUM, "blocks", "activation", "loss", "optimizer", "dropout", "regularization", LEARNING_RATE, "augment")
CROSS_ENTROPY = "cross_entropy"  # under any of its names
MIN_TRIALS_PER_VALUE = 3  # that a value needs to be compared
RANGE_PARTS = 3  # a range is compared in thirds of its trials
CLEAR_P = 0.01  # of a difference that is called clear


@dataclass(frozen=True)
class Hint:
    """One choice of a search.

    Attributes:
        name: of the hyperparameter.
        groups: what is compared, values or parts of a range -> scores; fewer than two: nothing can be compared.
        p: of the permutation test, by Holm's method for all choices; None if it could not be tested.
        within: whether scores count from the median of the networks with the same normalization.
    """

    name: str
    groups: dict[Any, list[float]]
    p: float | None = None
    within: bool = False


def findings_html(search: Search, language: Language) -> str:
    """Return one line per choice as an HTML list, the clearest first.

    Raises:
        UserError: if no trial has completed.
    """
    if not search.scored:
        raise UserError("no_trial_completed")
    whole, search = len(search.scored), search.comparable()
    count, note = len(search.scored), ""
    if count < whole:
        note = f"<p>{translate('found_longest', language, count=count, left=whole - count)}</p>"
    hints = sorted(find_hints(search), key=lambda hint: 2.0 if hint.p is None else hint.p)
    items = (
        f"<li><b>{html_text(_capitalize(display_name(hint.name, language)))}.</b> "
        f"{_describe(hint, search, language)}</li>"
        for hint in hints
    )
    return f'{note}<ul class="findings">{"".join(items)}</ul>'


def find_hints(search: Search) -> list[Hint]:
    """Return what a search can say about each of `CHOICES`, with the p values of permutation tests.

    If normalization makes a difference, the other choices are compared among networks with the same normalization.
    """
    strata, found, p_values = None, list[Hint](), dict[str, float]()
    for name in CHOICES:
        trials, labels = _labeled(search, name)
        counts = {label: labels.count(label) for label in labels}
        kept = [place for place, label in enumerate(labels) if counts[label] >= MIN_TRIALS_PER_VALUE]
        scores = [trials[place].score or 0.0 for place in kept]
        labels = [labels[place] for place in kept]
        own_strata = [strata[trials[place].order] for place in kept] if strata and name != STRATUM else None
        values = aligned(scores, own_strata).tolist()
        groups: dict[Any, list[float]] = {label: [] for label in labels}
        for label, value in zip(labels, values, strict=True):
            groups[label].append(value)
        found.append(Hint(name, groups, within=own_strata is not None))
        if len(groups) > 1:
            p_values[name] = permutation_p(scores, labels, own_strata)
        if name == STRATUM and p_values.get(name, 1.0) < MAX_P:
            strata = {trial.order: trial.hyperparameters.get(STRATUM) for trial in search.scored}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return [Hint(hint.name, hint.groups, adjusted.get(hint.name), hint.within) for hint in found]


def _labeled(search: Search, name: str) -> tuple[list[TrialView], list[Any]]:
    """Return the scored trials that use a hyperparameter, and what each is compared as."""
    trials = [trial for trial in search.scored if trial.hyperparameters.get(name) is not None]
    varied = next((one for one in search.varied() if one.name == name), None)
    values = [_merge_cross_entropies(name, trial.hyperparameters[name]) for trial in trials]
    if varied is None or varied.choices:
        return trials, values
    numbers = search.rates(trials) if name == LEARNING_RATE else values
    return trials, _thirds(numbers)


def _thirds(values: Sequence[float]) -> list[tuple[float, float]]:
    """Return for each value between which values its third of the trials lies."""
    order = np.argsort(values, kind="stable")
    labels: list[tuple[float, float]] = [(0.0, 0.0)] * len(values)
    for part in np.array_split(order, RANGE_PARTS):
        for place in part:
            labels[place] = values[part[0]], values[part[-1]]
    return labels


def _merge_cross_entropies(name: str, value: Any) -> Any:
    """Return a value of a hyperparameter: for hard labels all cross-entropies are the same function."""
    return CROSS_ENTROPY if name == "loss" and value in CROSS_ENTROPIES else value


def _describe(hint: Hint, search: Search, language: Language) -> str:
    """Return the verdict on a choice, and if there is a difference, which values did best and worst."""
    if hint.p is None:
        used = any(trial.hyperparameters.get(hint.name) is not None for trial in search.scored)
        return _badge("untested", translate("hint_too_few" if used else "found_none", language), language)
    texts = {"p": format_p(hint.p, language), "count": len(hint.groups)}
    if hint.p >= MAX_P:
        return _badge("chance", translate("hint_chance", language, **texts), language)
    medians = {label: median(values) for label, values in hint.groups.items()}
    order = sorted(medians, key=lambda label: medians[label], reverse=search.descending)
    best, worst = order[0], order[-1]
    form = "+.3f" if hint.within else ".4g"
    is_relative = hint.name == LEARNING_RATE and search.rates_are_relative
    for role, label in (("best", best), ("worst", worst)):
        texts[role] = _format(hint.name, label, is_relative, language)
        texts[f"{role}_score"] = number(medians[label], form, language)
        texts[f"{role}_count"] = len(hint.groups[label])
    key = "hint_within" if hint.within else "hint_found"
    return _badge("clear" if hint.p < CLEAR_P else "likely", translate(key, language, **texts), language)


def _badge(kind: str, text: str, language: Language) -> str:
    return f'<em class="badge {kind}">{translate(f"hint_{kind}_badge", language)}</em> {text}'


def _format(name: str, label: Any, is_relative: bool, language: Language) -> str:
    if isinstance(label, tuple) and len(label) == 2 and all(map(is_number, label)):
        low, high = (number(end, ".3g", language) for end in label)
        return translate("found_rates" if is_relative else "found_range", language, low=low, high=high)
    return translate(label, language) if label == CROSS_ENTROPY else escape_text(format_setting(name, label, language))


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
