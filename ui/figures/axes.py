"""A hyperparameter as an axis: where each value lies on it, and what is written beside it.

Figures get positions in place of values: 0, 1, 2 … for the choices of a list, and the power of ten on a logarithmic
scale. Parallel coordinates know no other way, and so the points of any two axes can be compared and spread.
"""

import math
from dataclasses import dataclass
from typing import Any

from ui.figures.results import escaped
from ui.i18n import Language, display_name, number, translate
from ui.reports.search import Hyperparameter, Trial

MARKS = 5  # at equal distances on a linear scale
MOST_LINES = 24  # in a hover text: more would leave the page


@dataclass(frozen=True)
class Axis:
    """A hyperparameter's axis in one language."""

    of: Hyperparameter
    language: Language

    @property
    def title(self) -> str:
        """Its name."""
        return escaped(display_name(self.of.name, self.language))

    @property
    def ends(self) -> tuple[float, float]:
        """The positions between which all values lie."""
        if self.of.choices:
            return -0.5, len(self.of.choices) - 0.5
        return self._scaled(self.of.low), self._scaled(self.of.high)

    def position(self, trial: Trial) -> float | None:
        """Return where a trial lies; None where it does not use the hyperparameter."""
        value = trial.hyperparameters.get(self.of.name)
        if value is None:
            return None
        return float(self.of.choices.index(value)) if self.of.choices else self._scaled(value)

    def ticks(self) -> dict[str, list]:
        """Return Plotly's `tickvals` and `ticktext`."""
        if self.of.choices:
            marks, texts = (
                range(len(self.of.choices)),
                [escaped(written(choice, self.language)) for choice in self.of.choices],
            )
            return {"tickvals": list(marks), "ticktext": texts}
        low, high = self.of.low, self.of.high
        values = [low + (high - low) * mark / (MARKS - 1) for mark in range(MARKS)]
        if self.of.log:
            decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            steps = (1, 3) if len(decades) < MARKS else (1,)
            round_ones = [step * 10.0**decade for decade in decades for step in steps]
            round_ones = [value for value in round_ones if low <= value <= high]
            values = round_ones if len(round_ones) > 1 else [low, high]
        texts = [number(value, ".3g", self.language) for value in values]
        return {"tickvals": [self._scaled(value) for value in values], "ticktext": texts}

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.of.log else float(value)


def shown(value: Any, language: Language) -> str | int | float:
    """Return a value of a report: numbers stay numbers, so that columns of them sort, with four digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return translate("yes" if value else "no", language)
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, (list, tuple)):
        return ", ".join(str(shown(item, language)) for item in value)
    return translate("none", language) if value == "none" else value


def written(value: Any, language: Language) -> str:
    """Return a value of a report as a cell shows it."""
    short = shown(value, language)
    return short if isinstance(short, str) else number(short, ",.10g", language)


def described(trial: Trial, language: Language) -> str:
    """Return what a figure says of a trial that is pointed at: number, score and hyperparameters, a line each."""
    score = "" if trial.score is None else f" · {written(trial.score, language)}"
    lines = [f"<b>{translate('trial', language)} {trial.order}{score}</b>"]
    for name, value in trial.hyperparameters.items():
        if value is not None:
            lines.append(f"{escaped(display_name(name, language))}: {escaped(written(value, language))}")
    return "<br>".join(lines[:MOST_LINES])
