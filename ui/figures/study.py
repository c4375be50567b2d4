"""The choices of a network, measured one at a time: means with intervals, learning curves, and what they show."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import cycle

import plotly.graph_objects as go

from model.io.reports.study import Factor, Level, StudyReport
from ui.figures.axes import format_p
from ui.figures.markers import log_axis
from ui.figures.style import ACCENT, LINES, MUTED, SECOND, apply_style, escape_text
from ui.i18n import DEFAULT, NUMBERS, SERVER_TEXT, Language, UserError, display_name, number, translate
from ui.markup import html_text
from ui.reports.runs import level_key

# Words in the names of values -> keys of their translations.
WORDS = {
    "batch normalization": "study_batch",
    "elastic net": "study_elastic",
    "patience": "study_patience",
    "none": "study_none",
}
SMALL_NUMBER = re.compile(r"\b\d+(?:\.\d+)?e-\d+\b")
DECIMAL_POINT = re.compile(r"(?<=\d)\.(?=\d)")
WHY = "study_why_"  # how the keys of the explanations start
ROW_PX, FRAME_PX = 30, 120  # height of a value, and of what surrounds them
COLORS = {"better": ACCENT, "worse": SECOND}  # all others muted
MAX_CURVES = 6  # nobody can follow more lines


def plot_factor(study: StudyReport, name: str, language: Language) -> go.Figure:
    """Return a dot with its 95 % interval for each value of a choice, best first, and the base's interval as a band.

    Raises:
        UserError: if the study has no such choice, or no run of it has ended.
    """
    levels = _shown(study, name)
    keys = {level.value: level_key(name, index) for index, level in enumerate(_levels(study, name))}
    places = list(range(len(levels)))
    figure = go.Figure(
        go.Scatter(
            mode="markers",
            x=[level.mean for level in levels],
            y=places,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [(level.high or level.mean or 0) - (level.mean or 0) for level in levels],
                "arrayminus": [(level.mean or 0) - (level.low or level.mean or 0) for level in levels],
                "color": MUTED,
                "thickness": 1.5,
            },
            marker={"size": 11, "color": [COLORS.get(level.verdict, MUTED) for level in levels]},
            text=[_hover(level, language) for level in levels],
            customdata=[keys[level.value] for level in levels],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    base = next((level for level in levels if level.is_base), None)
    if base and base.low is not None and base.high is not None:
        figure.add_vrect(x0=base.low, x1=base.high, fillcolor=MUTED, opacity=0.15, line_width=0)
    scores = [score for level in levels for score in level.scores if score is not None]
    edge = 0.05 * (max(scores) - min(scores)) or 0.01
    figure.update_xaxes(
        title=display_name(study.measure.name, language), range=[min(scores) - edge, max(scores) + edge], nticks=6
    )
    figure.update_yaxes(
        tickvals=places,
        ticktext=[_value_name(level, language) for level in levels],
        autorange="reversed",
        showgrid=False,
    )
    return apply_style(figure, language).update_layout(margin_t=10, height=FRAME_PX + ROW_PX * len(levels))


def plot_factor_curves(study: StudyReport, name: str, language: Language) -> go.Figure:
    """Return the loss after each epoch, on training rows (dashed) and validation rows, of some values of a choice.

    The values are the base, the best, the worst, and others in between; the legend switches each on and off.

    Raises:
        UserError: as `plot_factor`; or if the choice has no curves, as early stopping.
    """
    levels = [level for level in _shown(study, name) if level.curves.get("val_loss")]
    if not levels:
        raise UserError("study_no_curves")
    figure, colors = go.Figure(), cycle(LINES)
    for level in _some(levels):
        label, color = _value_name(level, language), MUTED if level.is_base else next(colors)
        for key, dash in (("loss", "dash"), ("val_loss", "solid")):
            values = level.curves.get(key, [])
            figure.add_scatter(
                x=list(range(1, len(values) + 1)),
                y=values,
                name=label,
                legendgroup=label,
                showlegend=key == "val_loss",
                line={"color": color, "dash": dash, "width": 2},
                hovertemplate=f"{label}: %{{y:.4g}}<extra></extra>",
            )
    figure.update_xaxes(title=translate("epoch", language))
    losses = [value for level in levels for key in ("loss", "val_loss") for value in level.curves.get(key, [])]
    shown = [value for value in losses if value is not None and value > 0]
    figure.update_yaxes(title=translate("study_loss", language), **log_axis(shown, language))
    return apply_style(figure, language)


def factor_html(study: StudyReport, name: str, language: Language) -> str:
    """Return why a choice matters, and a table of its values: mean, interval, p, verdict and cost.

    Raises:
        UserError: as `plot_factor`.
    """
    columns = ("value", "study_mean", "study_p", "study_verdict", "parameters", "seconds")
    head = "".join(f'<th scope="col">{html_text(translate(column, language))}</th>' for column in columns)
    rows = "".join(_level_row(level, language) for level in _shown(study, name))
    why = html_text(translate(f"{WHY}{name}", language))
    table = f'<table class="comparison"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<p class="verdict">{why}</p><div class="table-scroll" tabindex="0">{table}</div>'


def _level_row(level: Level, language: Language) -> str:
    interval = ""
    if level.low is not None and level.high is not None:
        interval = f" ({number(level.low, '.4f', language)} – {number(level.high, '.4f', language)})"
    cells = (
        _score(level, language) + interval,
        "" if level.p is None else format_p(level.p, language).removeprefix("= "),
        translate(f"study_is_{level.verdict.replace(' ', '_')}", language),
        "" if level.parameters is None else number(level.parameters, ",", language),
        "" if level.seconds is None else number(level.seconds, ",.1f", language),
    )
    kind = f' class="{level.verdict}"' if level.verdict in COLORS else ""
    shown = "".join(f"<td>{html_text(cell)}</td>" for cell in cells)
    return f'<tr{kind}><th scope="row">{html_text(value_name(level.value, language))}</th>{shown}</tr>'


def study_html(study: StudyReport, language: Language) -> str:
    """Return one item per choice: what was clear, what was not, and why.

    Raises:
        UserError: if no run has ended.
    """
    items = [
        f"<li><b>{html_text(_title(factor.name, language))}.</b> {_verdict(factor, language)} "
        f"{html_text(translate(f'{WHY}{factor.name}', language))}</li>"
        for factor in _measured(study)
    ]
    about = translate(
        "study_about",
        language,
        seeds=study.seeds,
        epochs=study.epochs,
        runs=number(study.runs, ",", language),
        rows=number(study.data.rows.train, ",", language),
        measured=number(study.data.rows.validation, ",", language),
    )
    return f'<p class="verdict">{html_text(about)}</p><ul class="findings">{"".join(items)}</ul>'


def factor_names(study: StudyReport) -> list[str]:
    """Return the choices that have results, in the course's order.

    Raises:
        UserError: if there is none.
    """
    return [factor.name for factor in _measured(study)]


def _measured(study: StudyReport) -> list[Factor]:
    """Return the choices that have results, and that the page knows: anyone may have made the file."""
    factors = [
        factor
        for factor in study.factors
        if f"{WHY}{factor.name}" in SERVER_TEXT[DEFAULT] and any(level.mean is not None for level in factor.levels)
    ]
    if not factors:
        raise UserError("no_trial_completed")
    return factors


def _levels(study: StudyReport, name: str) -> list[Level]:
    return next((factor.levels for factor in study.factors if factor.name == name), [])


def _shown(study: StudyReport, name: str) -> list[Level]:
    """Return the compared values of a choice that have a result, the best first."""
    levels = [level for level in _levels(study, name) if level.mean is not None and level.verdict != "not compared"]
    if not levels:
        raise UserError("no_trial_completed")
    return sorted(levels, key=lambda level: level.mean or 0, reverse=study.measure.direction == "max")


def _some(levels: list[Level]) -> list[Level]:
    """Return at most `MAX_CURVES` of the levels, evenly spread, with the first, the last and the base."""
    if len(levels) <= MAX_CURVES:
        return levels
    places = {round(index * (len(levels) - 1) / (MAX_CURVES - 1)) for index in range(MAX_CURVES)}
    base = next((index for index, level in enumerate(levels) if level.is_base), None)
    if base is not None and base not in places:
        places.remove(min(places - {0, len(levels) - 1}, key=lambda place: abs(place - base)))
        places.add(base)
    return [levels[place] for place in sorted(places)]


def _verdict(factor: Factor, language: Language) -> str:
    """Return the sentence on which values differ from the base by more than chance."""
    of = {
        verdict: [level for level in factor.levels if level.verdict == verdict]
        for verdict in ("better", "worse", "indistinguishable")
    }
    base = next((level for level in factor.levels if level.is_base), None)
    if base is None or base.mean is None:
        return ""
    sentences = [translate("study_base", language, value=_value_name(base, language), mean=_score(base, language))]
    for verdict, levels in of.items():
        if levels:
            named = ", ".join(f"{_value_name(level, language)} ({_score(level, language)})" for level in levels)
            sentences.append(translate(f"study_{verdict}", language, values=named))
    return " ".join(sentences)


def _hover(level: Level, language: Language) -> str:
    lines = [f"{_value_name(level, language)}: {_score(level, language)}"]
    if level.low is not None and level.high is not None:
        lines.append(f"{number(level.low, '.4f', language)} – {number(level.high, '.4f', language)}")
    if level.p is not None:
        lines.append(f"p {format_p(level.p, language)}")
    if level.seconds is not None:
        seconds, parameters = number(level.seconds, ".1f", language), number(level.parameters or 0, ",", language)
        lines.append(translate("study_cost", language, seconds=seconds, parameters=parameters))
    return "<br>".join(lines)


def value_name(value: str, language: Language) -> str:
    """Return the name of a value of a study, with its words and its decimal marks in a language: not escaped."""
    names = SERVER_TEXT[language] | {"value_none": translate("study_none", language)}
    value = ", ".join(names.get(f"value_{part}", part) for part in value.split(", "))
    for word, key in WORDS.items():
        value = value.replace(word, translate(key, language))
    value = SMALL_NUMBER.sub(lambda found: f"{Decimal(found[0]):f}", value)
    return DECIMAL_POINT.sub(NUMBERS[language]["decimal"], value)


def _value_name(level: Level, language: Language) -> str:
    return escape_text(value_name(level.value, language))


def _score(level: Level, language: Language) -> str:
    return number(level.mean or 0, ".4f", language)


def factor_title(name: str, language: Language) -> str:
    """Return the name of a choice; some have another meaning than the hyperparameter of that name."""
    return SERVER_TEXT[language].get(f"study_name_{name}") or display_name(name, language)


def _title(name: str, language: Language) -> str:
    text = factor_title(name, language)
    return text[:1].upper() + text[1:]
