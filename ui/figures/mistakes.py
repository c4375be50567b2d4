"""The images that a model gets wrong, each with its class and the model's answer."""

from collections import Counter
from html import escape
from pathlib import Path

from model.io.reports.evaluation import Mistake
from ui.figures.style import category
from ui.i18n import Language, percent, translate
from ui.markup import html_text

SCRIPT = Path(__file__).parents[1].joinpath("static", "mistakes.js").read_text(encoding="utf-8")


def mistakes_html(mistakes: list[Mistake], language: Language) -> str:
    """Return one figure per mistake, below a list that selects them by `data-cell`, the most frequent first."""
    counts = Counter((one.label, one.answer) for one in mistakes).most_common()
    options = "".join(f'<option value="{_cell(*cell)}">{_arrow(*cell)} ({count})</option>' for cell, count in counts)
    all_option = f'<option value="">{translate("all_mistakes", language)} ({len(mistakes)})</option>'
    chooser = f"<label>{translate('mistakes_of', language)} <select>{all_option}{options}</select></label>"
    return f'<div class="mistakes">{chooser}<div>{"".join(_figure(one, language) for one in mistakes)}</div></div>'


def _figure(one: Mistake, language: Language) -> str:
    assert one.confidence is not None  # `read_mistakes` refuses it
    share = percent(one.confidence, language)
    text = html_text(translate("mistake", language, label=one.label, answer=one.answer, share=share))
    return (
        f'<figure data-cell="{_cell(one.label, one.answer)}" title="{text}">'
        f'<img src="data:image/png;base64,{one.image}" alt="{text}">'
        f"<figcaption>{_arrow(one.label, one.answer)}</figcaption></figure>"
    )


def _cell(label: str, answer: str) -> str:
    """Return an attribute that names a cell of the confusion matrix, with the labels as the figure writes them."""
    return escape(f"{category(label)}\n{category(answer)}", quote=True)


def _arrow(label: str, answer: str) -> str:
    return f"{html_text(label)} → {html_text(answer)}"
