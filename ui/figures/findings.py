"""What one search found about each choice of a network, a sentence each: medians and counts, no more than it knows."""

from html import escape
from statistics import median
from typing import Any

from model.heads import CROSS_ENTROPIES
from ui.figures.axes import written
from ui.figures.results import escaped
from ui.i18n import Language, UserError, display_name, number, translate
from ui.reports.search import Hyperparameter, Search, Trial

# The course's choices; early stopping, which is no hyperparameter of a search, comes last.
CHOICES = ("blocks", "activation", "loss", "optimizer", "dropout", "regularization", "learning_rate")
CROSS_ENTROPY = "cross_entropy"  # under any of its names
ENOUGH = 3  # trials behind a median that one may trust a little
ENOUGH_FOR_A_QUARTER = 8  # trials of which the best quarter is more than one


def findings(search: Search, language: Language) -> str:
    """Return the sentences as an HTML list; values that fewer than `ENOUGH` trials used are compared only if need be.

    Raises:
        UserError: when no trial has completed.
    """
    if not search.scored:
        raise UserError("no_trial_completed")
    whole, search = len(search.scored), search.compared()
    count, note = len(search.scored), ""
    if count < whole:
        note = f"<p>{translate('found_longest', language, count=count, left=whole - count)}</p>"
    varied = {hyperparameter.name: hyperparameter for hyperparameter in search.varied()}
    sentences = [(display_name(name, language), _about(search, name, varied.get(name), language)) for name in CHOICES]
    sentences.append((display_name("early_stopping", language), _about_stopping(search, language)))
    items = (
        f"<li><b>{escape(name[:1].upper() + name[1:])}.</b> {sentence}</li>" for name, sentence in sentences if sentence
    )
    return f'{note}<ul class="findings">{"".join(items)}</ul>'


def _about(search: Search, name: str, varied: Hyperparameter | None, language: Language) -> str | None:
    trials = [trial for trial in search.scored if trial.hyperparameters.get(name) is not None]
    if not trials:
        return translate("found_none", language)
    if varied is None:
        values = {_value(trial, name) for trial in trials}  # several: more than anything can compare
        return translate("found_one", language, value=_told(values.pop(), language)) if len(values) == 1 else None
    if varied.choices:
        return _of_choices(search, varied, trials, language)
    if name == "learning_rate" and (usual := _usual_rates(search, trials)):
        rates = [trial.hyperparameters[name] / rate for trial, rate in zip(trials, usual, strict=True)]
        return _of_range("found_rates", search, trials, rates, language)
    return _of_range("found_range", search, trials, [trial.hyperparameters[name] for trial in trials], language)


def _value(trial: Trial, name: str) -> Any:
    """Return what a trial chose; for labels that are certain the cross-entropies are one function."""
    return _merged(name, trial.hyperparameters[name])


def _merged(name: str, value: Any) -> Any:
    return CROSS_ENTROPY if name == "loss" and value in CROSS_ENTROPIES else value


def _told(value: Any, language: Language) -> str:
    return display_name(value, language) if value == CROSS_ENTROPY else escaped(written(value, language))


def _of_choices(search: Search, varied: Hyperparameter, trials: list[Trial], language: Language) -> str:
    scores = {
        choice: [trial.score for trial in trials if _value(trial, varied.name) == choice]
        for choice in dict.fromkeys(_merged(varied.name, choice) for choice in varied.choices)
    }
    tried = {choice: values for choice, values in scores.items() if values}
    if len(tried) == 1:
        return translate("found_one", language, value=_told(next(iter(tried)), language))
    trusted = {choice: values for choice, values in tried.items() if len(values) >= ENOUGH}
    few = len(trusted) < 2
    medians = {choice: median(values) for choice, values in (tried if few else trusted).items()}
    order = sorted(medians, key=medians.get, reverse=search.descending)
    best, worst = order[0], order[-1]
    some = "found_some" if len(trusted) < len(scores) else "found_best"
    return translate(
        "found_few" if few else "found_same" if medians[best] == medians[worst] else some,
        language,
        best=_told(best, language),
        score=number(medians[best], ".4g", language),
        count=len(tried[best]),
        worst=_told(worst, language),
        low=number(medians[worst], ".4g", language),
        others=len(tried[worst]),
        enough=ENOUGH,
        left=len(scores) - len(trusted),
        values=len(scores),
    )


def _usual_rates(search: Search, trials: list[Trial]) -> list[float] | None:
    """Return the default rate of each trial's optimiser; None where these are one optimiser, or not all known."""
    optimizers = [str(trial.hyperparameters.get("optimizer")) for trial in trials]
    if len(set(optimizers)) == 1 or not search.usual_rates.keys() >= set(optimizers):
        return None
    return [search.usual_rates[optimizer] for optimizer in optimizers]


def _of_range(key: str, search: Search, trials: list[Trial], values: list[float], language: Language) -> str:
    """Return between which values the best quarter of the trials lies."""
    if len(trials) < ENOUGH_FOR_A_QUARTER:
        return translate("found_too_few", language, count=len(trials))
    order = sorted(range(len(trials)), key=lambda i: trials[i].score, reverse=search.descending)
    best = [values[i] for i in order[: len(order) // 4]]
    ends = min(best), max(best), min(values), max(values)
    low, high, lowest, highest = (number(value, ".3g", language) for value in ends)
    return translate(key, language, count=len(best), low=low, high=high, lowest=lowest, highest=highest)


def _about_stopping(search: Search, language: Language) -> str | None:
    """Return in how many trials the last epoch was the best, what was still improving, and what most trials teach.

    Where the learning rate falls to zero, the last epoch is the best because of that: such trials teach nothing here.
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
    last = sum(better(values[:-1]) != better(values) for values in steady)  # to be as good as before is no gain
    found = "found_improving" if 2 * last > len(steady) else "found_stopping"
    some = "" if len(steady) == len(curves) else "_steady"
    epochs = max(len(values) for values in steady)
    return translate(
        found + some, language, last=last, count=len(steady), epochs=epochs, left=len(curves) - len(steady)
    )
