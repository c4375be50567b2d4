"""Values of hyperparameters as text, and a hyperparameter as an axis.

Figures get positions instead of values: 0, 1, 2 … for the choices of a list, and the power of ten on a logarithmic
scale. Parallel coordinates need this, and it lets the points of any two axes be compared and spread.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.figures.style import escape_text
from ui.i18n import SERVER_TEXT, Language, UserError, display_name, number, translate
from ui.reports.search import HyperparameterView, Search, TrialView

TICKS = 5  # on a linear scale
MAX_LOG_TICKS = 6
LOG_STEPS = (range(1, 10), (1, 2, 5), (1, 3), (1,))  # within a power of ten
JITTER = 0.25  # how far points of one choice are spread to each side, in distances between choices


def display_value(value: Any, language: Language) -> str | int | float:
    """Return a value of a report for a table cell: a number (four digits) stays a number, so that columns sort."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return translate("yes" if value else "no", language)
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, (list, tuple)):
        return ", ".join(str(display_value(item, language)) for item in value)
    return SERVER_TEXT[language].get(f"value_{value}", value) if isinstance(value, str) else value


def format_value(value: Any, language: Language) -> str:
    """Return a value of a report as text."""
    short = display_value(value, language)
    return short if isinstance(short, str) else number(short, ",.10g", language)


def format_setting(name: str, value: Any, language: Language) -> str:
    """Return a hyperparameter's value as text; some numbers have a name, such as 0 units of the dense layer."""
    named = SERVER_TEXT[language].get(f"value_{name}_{value:g}") if isinstance(value, (int, float)) else None
    return named or format_value(value, language)


def format_score(value: float, language: Language) -> str:
    """Return a score with as many digits as can matter, four after the mark."""
    return number(value, ".4f" if abs(value) < 100 else ",.4g", language)


def format_p(value: float, language: Language) -> str:
    """Return what is written after the p: `= 0.02`; below a thousandth the digits mean nothing: `< 0.001`."""
    return f"= {number(value, '.2g', language)}" if value >= 0.001 else f"< {number(0.001, 'g', language)}"


@dataclass(frozen=True)
class Axis:
    """The axis of a hyperparameter in one language."""

    hyperparameter: HyperparameterView
    language: Language

    @property
    def title(self) -> str:
        """The name of the hyperparameter."""
        return escape_text(display_name(self.hyperparameter.name, self.language))

    @property
    def ends(self) -> tuple[float, float]:
        """The positions between which all values lie."""
        if self.hyperparameter.choices:
            return -0.5, len(self.hyperparameter.choices) - 0.5
        return self._scale(self.hyperparameter.low), self._scale(self.hyperparameter.high)

    @property
    def padded_ends(self) -> list[float]:
        """The ends of the axis with room for the outermost points."""
        low, high = self.ends
        room = 0 if self.hyperparameter.choices else 0.04 * (high - low)
        return [low - room, high + room]

    def position(self, trial: TrialView) -> float | None:
        """Return the position of a trial; None if it does not use the hyperparameter."""
        value = trial.hyperparameters.get(self.hyperparameter.name)
        if value is None:
            return None
        choices = self.hyperparameter.choices
        return float(choices.index(value)) if choices else self._scale(value)

    def spread_positions(self, trials: list[TrialView], seed: int = 0) -> np.ndarray:
        """Return the positions of trials, spread around a shared choice so that no point hides another."""
        width = JITTER if self.hyperparameter.choices else 0.0
        shifts = np.random.default_rng(seed).uniform(-width, width, len(trials))
        return np.array([self.position(trial) for trial in trials]) + shifts

    def ticks(self) -> dict[str, list]:
        """Return Plotly's `tickvals` and `ticktext`."""
        choices = self.hyperparameter.choices
        if choices:
            texts = [escape_text(format_setting(self.hyperparameter.name, choice, self.language)) for choice in choices]
            return {"tickvals": list(range(len(choices))), "ticktext": texts}
        low, high = self.hyperparameter.low, self.hyperparameter.high
        values = log_ticks(low, high) if self.hyperparameter.log else np.linspace(low, high, TICKS).tolist()
        texts = [number(value, ".3g", self.language) for value in values]
        return {"tickvals": [self._scale(value) for value in values], "ticktext": texts}

    def _scale(self, value: float) -> float:
        return math.log10(value) if self.hyperparameter.log else float(value)


def find_axes(search: Search, names: list[str], language: Language) -> list[Axis]:
    """Return the axes of hyperparameters by name.

    Raises:
        UserError: if the scored trials do not differ in one of them.
    """
    known = {hyperparameter.name: Axis(hyperparameter, language) for hyperparameter in search.varied()}
    if not set(names) <= known.keys():
        raise UserError("too_few_trials")
    return [known[name] for name in names]


def log_ticks(low: float, high: float, max_ticks: int = MAX_LOG_TICKS) -> list[float]:
    """Return a few round values of a logarithmic scale; its ends if there are no two between them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values: list[float] = []
    for steps in LOG_STEPS:
        values = [step * 10.0**decade for decade in decades for step in steps]
        values = [value for value in values if low <= value <= high]
        if len(values) <= max_ticks:
            break
    return values[:: -(-len(values) // max_ticks)] if len(values) > 1 else [low, high]
