"""Other people's text in HTML: names of classes and datasets come with a model that anyone may have made."""

from html import escape

from model.console import one_line


def html_text(text: str) -> str:
    """Return a text for HTML, also inside an attribute in quotes.

    It becomes no element, and characters that turn the direction of writing, which could hide what it says, are shown.
    For figures see `ui.figures.style.escape_text`.
    """
    return escape(one_line(text), quote=True)


def page_html(title: str, text: str, link: tuple[str, str], language: str) -> str:
    """Return a small page that says one thing.

    Args:
        title: of the page.
        text: what it says.
        link: an address, and what it leads to.
        language: of the text.
    """
    address, label = map(html_text, link)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{html_text(title)}</title>'
        '<meta name="viewport" content="width=device-width"><style>:root { color-scheme: light dark }'
        "body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }"
        f"</style></head><body><main><h1>{html_text(title)}</h1><p>{html_text(text)}</p>"
        f'<p><a href="{address}">{label}</a></p></main></body></html>'
    )
