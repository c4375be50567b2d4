"""Other people's text in HTML: names of classes and datasets come with a model that anyone may have made."""

from html import escape

from model.console import one_line


def html_text(text: str) -> str:
    """Return a text for HTML, also inside an attribute in quotes.

    It becomes no element, and characters that turn the direction of writing, which could hide what it says, are shown.
    For figures see `ui.figures.style.escape_text`.
    """
    return escape(one_line(text), quote=True)
