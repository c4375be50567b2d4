"""What one search found about each choice of a network, a sentence each: medians and counts, no more than it knows."""

from html import escape
from statistics import median

from ui.axes import written
from ui.plots import escaped
from ui.search import Hyperparameter, Search, Trial
from ui.text import Language, Message, named, number

# The course's choices; early stopping, which is no hyperparameter of a search, comes last.
CHOICES = ("blocks", "activation", "loss", "optimizer", "dropout", "regularization", "learning_rate")
ENOUGH = 3  # trials behind a median that one may trust a little
ENOUGH_FOR_A_QUARTER = 8  # trials of which the best quarter is more than one


def findings(search: Search, language: Language) -> str:
    """Return the sentences as an HTML list; values that fewer than `ENOUGH` trials used are compared only if need be.

    Raises:
        Message: when no trial has completed.
    """
    if not search.scored:
        raise Message("no_trial_completed")
    varied = {hyperparameter.name: hyperparameter for hyperparameter in search.varied()}
    sentences = [(named(name, language), _about(search, name, varied.get(name), language)) for name in CHOICES]
    sentences.append((named("early_stopping", language), _about_stopping(search)))
    items = (
        f"<li><b>{escape(name[:1].upper() + name[1:])}.</b> {message.text(language)}</li>"
        for name, message in sentences
        if message
    )
    return f'<ul class="findings">{"".join(items)}</ul>'


def _about(search: Search, name: str, varied: Hyperparameter | None, language: Language) -> Message | None:
    trials = [trial for trial in search.scored if trial.hyperparameters.get(name) is not None]
    if not trials:
        return Message("found_none")
    if varied is None:
        values = {trial.hyperparameters[name] for trial in trials}  # several: more than anything can compare
        return Message("found_one", value=escaped(written(values.pop(), language))) if len(values) == 1 else None
    return (_of_choices if varied.choices else _of_range)(search, varied, trials, language)


def _of_choices(search: Search, varied: Hyperparameter, trials: list[Trial], language: Language) -> Message:
    scores = {
        choice: [trial.score for trial in trials if trial.hyperparameters[varied.name] == choice]
        for choice in varied.choices
    }
    tried = {choice: values for choice, values in scores.items() if values}
    trusted = {choice: values for choice, values in tried.items() if len(values) >= ENOUGH}
    few = len(trusted) < 2
    medians = {choice: median(values) for choice, values in (tried if few else trusted).items()}
    order = sorted(medians, key=medians.get, reverse=search.descending)
    best, worst = order[0], order[-1]
    some = "found_some" if len(trusted) < len(scores) else "found_best"
    return Message(
        "found_few" if few else "found_same" if medians[best] == medians[worst] else some,
        best=escaped(written(best, language)),
        score=number(medians[best], ".4g", language),
        count=len(tried[best]),
        worst=escaped(written(worst, language)),
        low=number(medians[worst], ".4g", language),
        others=len(tried[worst]),
        enough=ENOUGH,
        left=len(scores) - len(trusted),
        values=len(scores),
    )


def _of_range(search: Search, varied: Hyperparameter, trials: list[Trial], language: Language) -> Message:
    if len(trials) < ENOUGH_FOR_A_QUARTER:
        return Message("found_too_few", count=len(trials))
    ranked = sorted(trials, key=lambda trial: trial.score, reverse=search.descending)
    values = [trial.hyperparameters[varied.name] for trial in ranked]
    best = values[: len(values) // 4]
    ends = min(best), max(best), min(values), max(values)
    low, high, lowest, highest = (number(value, ".3g", language) for value in ends)
    return Message("found_range", count=len(best), low=low, high=high, lowest=lowest, highest=highest)


def _about_stopping(search: Search) -> Message | None:
    """Return in how many trials the last epoch was the best, what was still improving, and what most trials teach."""
    better = max if search.descending else min
    curves = [[value for _, value in trial.history if value is not None] for trial in search.scored]
    curves = [values for values in curves if len(values) > 1]
    if not curves:
        return None
    last = sum(better(values[:-1]) != better(values) for values in curves)  # to be as good as before is no gain
    return Message("found_improving" if 2 * last > len(curves) else "found_stopping", last=last, count=len(curves))
