"""The look that all figures share: colors that work on light and dark pages, layout, and text from reports."""

import html
import textwrap

import plotly.graph_objects as go

from ui.i18n import DEFAULT, NUMBERS, Language

ACCENT, SECOND, MUTED, WRONG = "#5b6ee1", "#e08a2c", "#8b93a7", "#d64550"
GOLD, EDGE = "#ffd24a", "#1d2330"
GRID_COLOR = "rgba(139, 147, 167, 0.22)"
MAX_TEXT_CHARS = 40
MAX_LINE_CHARS = 34  # of a sentence: as much as fits on a phone


def apply_style(figure: go.Figure, language: Language) -> go.Figure:
    """Give a figure the page's look and the language's number format, and return it."""
    figure.update_layout(
        template="none",
        height=400,
        margin={"l": 70, "r": 20, "t": 50, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": MUTED},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"font": {"family": "system-ui, sans-serif"}},
        dragmode=False,
        separators=NUMBERS[language]["decimal"] + NUMBERS[language]["thousands"],
    )
    axis = {"gridcolor": GRID_COLOR, "zeroline": False, "showline": False, "ticks": ""}
    title = {"title_standoff": 8, "title_font_size": 13}
    figure.update_xaxes(**axis, **title)
    figure.update_yaxes(**axis, **title, automargin=True)
    return figure


def message_figure(text: str) -> go.Figure:
    """Return a figure that shows a sentence instead of a chart that cannot be drawn."""
    lines = "<br>".join(textwrap.wrap(escape_text(text, len(text)), MAX_LINE_CHARS))
    figure = go.Figure().add_annotation(text=lines, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    return apply_style(figure, DEFAULT).update_layout(xaxis_visible=False, yaxis_visible=False)


def tick_step(count: int) -> int:
    """Return the round distance between ticks that gives at most about ten of them."""
    return next(step * 10**power for power in range(10) for step in (1, 2, 5) if count <= 10 * step * 10**power)


def escape_text(text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Return untrusted text for a figure, shortened and escaped: Plotly interprets some HTML."""
    return html.escape(text if len(text) <= max_chars else f"{text[: max_chars - 1]}…", quote=False)


def with_alpha(color: str, alpha: float) -> str:
    """Return a color `#rrggbb` with an opacity, as CSS writes it."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"
