"""Two runs next to each other: what differs in their settings, their learning curves, and whether one is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from model.scores import wilson_interval
from ui.figures.axes import format_p, format_score, format_setting
from ui.figures.markers import error_axis
from ui.figures.study import factor_title, value_name
from ui.figures.style import LINES, apply_style, escape_text, tick_step
from ui.i18n import Language, UserError, display_name, number, translate
from ui.markup import html_text
from ui.reports.runs import MODEL_KEY, SHARE, TRIAL_KEY, Comparison, Run, compare_runs

COLORS = LINES[:2]
NOTHING = "–"


def run_title(run: Run, language: Language) -> str:
    """Return the name of a run with its score, for a list to choose from: not escaped."""
    score = "" if run.mean is None else f" · {format_score(run.mean, language)}"
    return f"{run_name(run, language)}{score}"


def run_name(run: Run, language: Language) -> str:
    """Return the name of a run: not escaped."""
    if run.kind == MODEL_KEY:
        name = translate("the_model" if run.folder else "this_model", language)
    elif run.kind == TRIAL_KEY:
        name = f"{translate('trial', language)} {run.name}"
    else:
        name = f"{factor_title(run.factor, language)}: {value_name(run.name, language)}"
    return f"{run.folder} · {name}" if run.folder else name


def comparison_html(one: Run, other: Run, language: Language) -> str:
    """Return the verdict, then a table of what both reached, what they cost, and the settings in which they differ."""
    if one.key == other.key:
        return f'<p class="verdict">{translate("compare_itself", language)}</p>'
    head = "".join(
        f'<th scope="col"><i style="background:{color}"></i>{html_text(run_name(run, language))}</th>'
        for run, color in zip((one, other), COLORS, strict=True)
    )
    rows = [
        _row(display_name(one.measure, language), _score(one, language), _score(other, language)),
        *_costs(one, other, language),
        *_settings(one, other, language),
    ]
    name = translate("hyperparameter", language)
    return (
        f'<p class="verdict" role="status">{html_text(_verdict(one, other, compare_runs(one, other), language))}</p>'
        f'<div class="table-wrap"><table class="comparison"><thead><tr><th scope="col">{name}</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def plot_comparison(one: Run, other: Run, language: Language) -> go.Figure:
    """Return the loss and the measure of two runs over each other: training rows dashed, validation rows solid.

    Raises:
        UserError: if neither has recorded its epochs.
    """
    runs = [run for run in (one, other) if run.curves]
    if not runs:
        raise UserError("no_epochs")
    panels = dict.fromkeys(name.removeprefix("val_") for run in runs for name in run.curves)
    figure = go.Figure().set_subplots(len(panels), 1, shared_xaxes=True, vertical_spacing=0.08)
    for row, panel in enumerate(panels, 1):
        shown = [value for run in runs for name in (panel, f"val_{panel}") for value in _known(run, name)]
        is_loss = panel == "loss" or not one.descending
        axis = error_axis(panel, not is_loss, shown, language)
        for run, color in zip((one, other), COLORS, strict=True):
            for name, dash in ((panel, "dash"), (f"val_{panel}", "solid")):
                values = run.curves.get(name, ())
                label = escape_text(run_name(run, language))
                figure.add_scatter(
                    x=list(range(1, len(values) + 1)),
                    y=[None if value is None else axis.place(value) for value in values],
                    mode="lines+markers",
                    name=label,
                    legendgroup=run.key,
                    showlegend=row == 1 and dash == "solid",
                    line={"color": color, "dash": dash, "width": 2},
                    marker={"size": 5},
                    hovertemplate=f"{label}: %{{y:.4g}}<extra></extra>",
                    row=row,
                    col=1,
                )
        figure.update_yaxes(**axis.settings, row=row, col=1)
    longest = max(len(values) for run in runs for values in run.curves.values())
    figure.update_xaxes(dtick=tick_step(longest))
    figure.update_xaxes(title=translate("epoch", language), row=len(panels), col=1)
    return apply_style(figure, language).update_layout(height=440)


def _verdict(one: Run, other: Run, found: Comparison, language: Language) -> str:
    better = one if found.first_is_better else other
    seeds = min(len(one.scores), len(other.scores))
    texts: dict[str, Any] = {
        "better": run_name(better, language),
        "p": "" if found.p is None else format_p(found.p, language),
        "rows": number(one.rows or 0, ",", language),
        "seeds": seeds,
    }
    key = f"compare_{found.verdict}" + ("_seeds" if seeds > 1 and found.p is not None else "")
    sentences = [translate(key, language, **texts)]
    if found.p is not None and seeds == 1:
        sentences.append(translate("compare_one_run", language))
    for run in (one, other):
        if found.verdict == "differ" and run is better and run.chosen_of and run.chosen_of > 2:
            sentences.append(translate("compare_chosen", language, count=run.chosen_of))
    return " ".join(sentences)


def _score(run: Run, language: Language) -> str:
    if run.mean is None:
        return NOTHING
    text = format_score(run.mean, language)
    if len(run.scores) > 1:
        low, high = (format_score(end, language) for end in (min(run.scores), max(run.scores)))
        return translate("score_of_seeds", language, score=text, count=len(run.scores), low=low, high=high)
    if run.measure != SHARE or not run.rows or not 0 <= run.mean <= 1:
        return text
    low, high = (format_score(end, language) for end in wilson_interval(run.mean, run.rows))
    return translate("score_interval", language, score=text, low=low, high=high)


def _costs(one: Run, other: Run, language: Language) -> list[str]:
    def epochs(run: Run) -> int | None:
        return max((len(values) for values in run.curves.values()), default=0) or None

    costs: tuple[tuple[str, Callable[[Run], Any], str], ...] = (
        ("parameters", lambda run: run.parameters, ",.0f"),
        ("seconds", lambda run: run.seconds, ",.1f"),
        ("epochs", epochs, ",.0f"),
    )
    rows = []
    for name, of, form in costs:
        values = [of(run) for run in (one, other)]
        if values != [None, None]:
            texts = [NOTHING if value is None else number(value, form, language) for value in values]
            rows.append(_row(display_name(name, language), *texts))
    return rows


def _settings(one: Run, other: Run, language: Language) -> list[str]:
    """Return a row per setting in which both differ; of two kinds of runs only settings that both have."""
    names = dict.fromkeys([*one.settings, *other.settings])
    if one.kind != other.kind:
        names = dict.fromkeys(name for name in names if name in one.settings and name in other.settings)
    differing = [name for name in names if one.settings.get(name) != other.settings.get(name) and name != "epochs"]

    def text(run: Run, name: str) -> str:
        value = run.settings.get(name)
        return NOTHING if value is None else format_setting(name, value, language)

    rows = [_row(display_name(name, language), text(one, name), text(other, name)) for name in differing]
    return rows or [_row(translate("compare_no_setting", language), "", "")]


def _row(name: str, first: str, second: str) -> str:
    # A long name is broken after its underscores, not inside a word.
    cells = "".join(f"<td>{html_text(text).replace('_', '_<wbr>')}</td>" for text in (first, second))
    return f'<tr><th scope="row">{html_text(name)}</th>{cells}</tr>'


def _known(run: Run, name: str) -> list[float]:
    return [value for value in run.curves.get(name, ()) if value is not None]
