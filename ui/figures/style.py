"""The look that all figures share: colors that work on light and dark pages, layout, and text from reports."""

from __future__ import annotations

import html
import textwrap
from typing import Any

import plotly.graph_objects as go

from model.console import one_line
from ui.i18n import DEFAULT, NUMBERS, Language

ACCENT, SECOND, MUTED, WRONG = "#5b6ee1", "#e08a2c", "#8b93a7", "#d64550"
# Of lines that are distinguished, not rated: blue and orange mean better and worse on the whole page.
LINES = ("#2f9e77", "#b05bc6", "#0e8fa8", "#a8762b", "#d64550")
GOLD, EDGE = "#ffd24a", "#1d2330"
GRID_COLOR = "rgba(139, 147, 167, 0.22)"
LAYOUT = {
    "template": "none",
    "height": 400,
    "margin": {"l": 70, "r": 20, "t": 50, "b": 50},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13, "color": MUTED},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    "hoverlabel": {"font": {"family": "system-ui, sans-serif"}},
    "dragmode": False,
}
X_AXIS = {
    "gridcolor": GRID_COLOR,
    "zeroline": False,
    "showline": False,
    "ticks": "",
    "title": {"standoff": 8, "font": {"size": 13}},
}
Y_AXIS = X_AXIS | {"automargin": True}
MAX_TEXT_CHARS = 40
MESSAGE_PX = 140  # height of a sentence instead of a figure
MAX_LINE_CHARS = 34  # of a sentence: as much as fits on a phone


def apply_style(figure: go.Figure, language: Language) -> go.Figure:
    """Return a figure with the page's look and the language's number format.

    It is a new one: Plotly takes a layout ten times as fast when a figure is made as in updates of an existing one.
    """
    own = figure.layout.to_plotly_json()
    axes = {
        name: Y_AXIS if name.startswith("y") else X_AXIS for name in ("xaxis", "yaxis", *own) if "axis" in name[1:5]
    }
    separators = NUMBERS[language]["decimal"] + NUMBERS[language]["thousands"]
    return go.Figure(figure.data, _merged(own, {**LAYOUT, **axes, "separators": separators}))


def load_plotly() -> None:
    """Import what figures are made of. Plotly does so when its first class is used, and it takes a quarter of a second.

    Modules of figures therefore do not evaluate their annotations (`from __future__ import annotations`).
    """
    go.Figure()


def message_figure(text: str) -> go.Figure:
    """Return a low figure that shows a sentence instead of a chart that cannot be drawn."""
    lines = "<br>".join(textwrap.wrap(escape_text(text, len(text)), MAX_LINE_CHARS))
    figure = go.Figure().add_annotation(text=lines, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    hidden = {"xaxis_visible": False, "yaxis_visible": False}
    return apply_style(figure, DEFAULT).update_layout(height=MESSAGE_PX, margin_t=10, margin_b=10, **hidden)


def tick_step(count: int) -> int:
    """Return the round distance between ticks that gives at most about ten of them."""
    return next(step * 10**power for power in range(10) for step in (1, 2, 5) if count <= 10 * step * 10**power)


def escape_text(text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Return untrusted text for a figure, shortened and escaped: Plotly interprets some HTML."""
    shown = one_line(text)
    return html.escape(shown if len(shown) <= max_chars else f"{shown[: max_chars - 1]}…", quote=False)


def category(label: str) -> str:
    """Return the name of a class as a category of an axis: not shortened, since two could then be the same one."""
    return html.escape(one_line(label), quote=False)


def with_alpha(color: str, alpha: float) -> str:
    """Return a color `#rrggbb` with an opacity, as CSS writes it."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"


def _merged(own: dict[str, Any], style: dict[str, Any]) -> dict[str, Any]:
    """Return nested settings of a figure, with those of the style taking precedence."""
    both = own.keys() & style.keys()
    nested = {name: _merged(own[name], style[name]) for name in both if isinstance(style[name], dict)}
    return own | style | nested
