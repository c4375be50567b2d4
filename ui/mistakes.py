"""The pictures on which a model errs, each with what it is and what was answered."""

from html import escape
from pathlib import Path

from ui.plots import escaped
from ui.reports import Mistake
from ui.text import Language, Message, percent

SCRIPT = Path(__file__).with_name("mistakes.js").read_text(encoding="utf-8")


def mistakes_html(mistakes: list[Mistake], language: Language) -> str:
    """Return a figure a mistake; a click on the confusion matrix chooses by `data-label` and `data-answer`."""
    return f'<div class="mistakes">{"".join(_figure(one, language) for one in mistakes)}</div>'


def _figure(one: Mistake, language: Language) -> str:
    share = percent(one.confidence, language)
    told = escape(Message("mistake", label=one.label, answer=one.answer, share=share).text(language), quote=True)
    # As the matrix's figure writes its labels.
    label, answer = (escape(escaped(text), quote=True) for text in (one.label, one.answer))
    return (
        f'<figure data-label="{label}" data-answer="{answer}" title="{told}">'
        f'<img src="data:image/png;base64,{one.image}" alt="{told}">'
        f"<figcaption>{escape(one.label)} → {escape(one.answer)}</figcaption></figure>"
    )
