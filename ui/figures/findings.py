"""What a search found about each choice of a network, one sentence each, from medians and counts."""

from statistics import median
from typing import Any

from model.heads import CROSS_ENTROPIES
from ui.figures.axes import format_value
from ui.figures.style import escape_text
from ui.i18n import Language, UserError, display_name, number, translate
from ui.markup import html_text
from ui.reports.search import HyperparameterView, Search, TrialView

# The choices that the course teaches. Early stopping, which is not a hyperparameter of a search, comes last.
CHOICES = ("blocks", "activation", "loss", "optimizer", "dropout", "regularization", "learning_rate")
CROSS_ENTROPY = "cross_entropy"  # under any of its names
MIN_TRIALS_PER_VALUE = 3  # behind a median that one may trust a little
MIN_TRIALS_FOR_A_RANGE = 8  # so that the best quarter is more than one trial


def findings_html(search: Search, language: Language) -> str:
    """Return the sentences as an HTML list.

    Values that fewer than `MIN_TRIALS_PER_VALUE` trials used are compared only if there are no others.

    Raises:
        UserError: if no trial has completed.
    """
    if not search.scored:
        raise UserError("no_trial_completed")
    whole, search = len(search.scored), search.comparable()
    count, note = len(search.scored), ""
    if count < whole:
        note = f"<p>{translate('found_longest', language, count=count, left=whole - count)}</p>"
    varied = {hyperparameter.name: hyperparameter for hyperparameter in search.varied()}
    sentences = {name: _describe_choice(search, name, varied.get(name), language) for name in CHOICES}
    sentences["early_stopping"] = _describe_stopping(search, language)
    items = (
        f"<li><b>{html_text(_capitalize(display_name(name, language)))}.</b> {sentence}</li>"
        for name, sentence in sentences.items()
        if sentence
    )
    return f'{note}<ul class="findings">{"".join(items)}</ul>'


def _describe_choice(search: Search, name: str, varied: HyperparameterView | None, language: Language) -> str | None:
    """Return the sentence about a hyperparameter; None if it had more values than can be compared."""
    trials = [trial for trial in search.scored if trial.hyperparameters.get(name) is not None]
    if not trials:
        return translate("found_none", language)
    if varied is None:
        only = {_merge_cross_entropies(name, trial.hyperparameters[name]) for trial in trials}
        return _describe_only(only.pop(), language) if len(only) == 1 else None
    if varied.choices:
        return _compare_choices(search, varied, trials, language)
    values = [trial.hyperparameters[name] for trial in trials]
    if name == "learning_rate" and (usual := _usual_rates(search, trials)):
        rates = [value / rate for value, rate in zip(values, usual, strict=True)]
        return _describe_range("found_rates", search, trials, rates, language)
    return _describe_range("found_range", search, trials, values, language)


def _describe_only(value: Any, language: Language) -> str:
    return translate("found_one", language, value=_format(value, language))


def _merge_cross_entropies(name: str, value: Any) -> Any:
    """Return a value of a hyperparameter: for hard labels all cross-entropies are the same function."""
    return CROSS_ENTROPY if name == "loss" and value in CROSS_ENTROPIES else value


def _format(value: Any, language: Language) -> str:
    return translate(value, language) if value == CROSS_ENTROPY else escape_text(format_value(value, language))


def _compare_choices(search: Search, varied: HyperparameterView, trials: list[TrialView], language: Language) -> str:
    """Return which value of a list had the best median score, and which the worst."""
    name = varied.name
    scores: dict[Any, list[float]] = {_merge_cross_entropies(name, choice): [] for choice in varied.choices}
    for trial in trials:
        scores[_merge_cross_entropies(name, trial.hyperparameters[name])].append(trial.score)
    tried = {choice: values for choice, values in scores.items() if values}
    if len(tried) == 1:
        return _describe_only(next(iter(tried)), language)
    trusted = {choice: values for choice, values in tried.items() if len(values) >= MIN_TRIALS_PER_VALUE}
    few = len(trusted) < 2
    medians = {choice: median(values) for choice, values in (tried if few else trusted).items()}
    order = sorted(medians, key=lambda choice: medians[choice], reverse=search.descending)
    best, worst = order[0], order[-1]
    if few:
        key = "found_few"
    elif medians[best] == medians[worst]:
        key = "found_same"
    else:
        key = "found_some" if len(trusted) < len(scores) else "found_best"
    return translate(
        key,
        language,
        best=_format(best, language),
        score=number(medians[best], ".4g", language),
        count=len(tried[best]),
        worst=_format(worst, language),
        low=number(medians[worst], ".4g", language),
        others=len(tried[worst]),
        enough=MIN_TRIALS_PER_VALUE,
        left=len(scores) - len(trusted),
        values=len(scores),
    )


def _usual_rates(search: Search, trials: list[TrialView]) -> list[float] | None:
    """Return the default rate of each trial's optimizer; None if there is one optimizer only, or one is unknown."""
    optimizers = [str(trial.hyperparameters.get("optimizer")) for trial in trials]
    if len(set(optimizers)) == 1 or not search.default_rates.keys() >= set(optimizers):
        return None
    return [search.default_rates[optimizer] for optimizer in optimizers]


def _describe_range(key: str, search: Search, trials: list[TrialView], values: list[float], language: Language) -> str:
    """Return between which values the best quarter of the trials lies."""
    if len(trials) < MIN_TRIALS_FOR_A_RANGE:
        return translate("found_too_few", language, count=len(trials))
    order = sorted(range(len(trials)), key=lambda i: trials[i].score, reverse=search.descending)
    best = [values[i] for i in order[: len(order) // 4]]
    ends = min(best), max(best), min(values), max(values)
    low, high, lowest, highest = (number(value, ".3g", language) for value in ends)
    return translate(key, language, count=len(best), low=low, high=high, lowest=lowest, highest=highest)


def _describe_stopping(search: Search, language: Language) -> str | None:
    """Return in how many trials the last epoch was the best, and what that says about early stopping.

    Trials whose learning rate falls to zero are left out: that alone makes their last epoch the best.
    """
    better = max if search.descending else min
    curves = [(trial, [value for _, value in trial.history if value is not None]) for trial in search.scored]
    curves = [(trial, values) for trial, values in curves if len(values) > 1]
    if not curves:
        return None
    steady = [
        values for trial, values in curves if trial.hyperparameters.get("schedule", search.schedule) != "one-cycle"
    ]
    if not steady:
        return translate("found_falling", language, count=len(curves))
    last = sum(better(values[:-1]) != better(values) for values in steady)  # as good as before is not an improvement
    key = "found_improving" if 2 * last > len(steady) else "found_stopping"
    if len(steady) < len(curves):
        key += "_steady"
    left, epochs = len(curves) - len(steady), max(len(values) for values in steady)
    return translate(key, language, last=last, count=len(steady), epochs=epochs, left=left)


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
