"""The pictures on which a model errs, each with what it is and what was answered."""

from collections import Counter
from html import escape
from pathlib import Path

from ui.figures.results import escaped
from ui.i18n import Language, percent, translate
from ui.reports.parse import Mistake

SCRIPT = Path(__file__).parents[1].joinpath("static", "mistakes.js").read_text(encoding="utf-8")


def mistakes_html(mistakes: list[Mistake], language: Language) -> str:
    """Return a figure a mistake, and above them what chooses by `data-cell`, most frequent first."""
    counts = Counter((one.label, one.answer) for one in mistakes).most_common()
    options = "".join(f'<option value="{_cell(*cell)}">{_arrow(*cell)} ({count})</option>' for cell, count in counts)
    every = f'<option value="">{translate("all_mistakes", language)} ({len(mistakes)})</option>'
    chooser = f"<label>{translate('mistakes_of', language)} <select>{every}{options}</select></label>"
    return f'<div class="mistakes">{chooser}<div>{"".join(_figure(one, language) for one in mistakes)}</div></div>'


def _figure(one: Mistake, language: Language) -> str:
    share = percent(one.confidence, language)
    told = escape(translate("mistake", language, label=one.label, answer=one.answer, share=share), quote=True)
    return (
        f'<figure data-cell="{_cell(one.label, one.answer)}" title="{told}">'
        f'<img src="data:image/png;base64,{one.image}" alt="{told}">'
        f"<figcaption>{_arrow(one.label, one.answer)}</figcaption></figure>"
    )


def _cell(label: str, answer: str) -> str:
    """Return an attribute that names a cell of the matrix, with the labels as its figure writes them."""
    return escape(f"{escaped(label)}\n{escaped(answer)}", quote=True)


def _arrow(label: str, answer: str) -> str:
    return f"{escape(label)} → {escape(answer)}"
