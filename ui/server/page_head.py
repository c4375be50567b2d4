"""The script that runs before Gradio's own: it decides the page's language, which Gradio asks for when it starts."""

import json
from pathlib import Path

from ui.i18n import DEFAULT, LANGUAGES, RELATED

_HEAD = b"<head>"
_LANGUAGES = json.dumps({"known": LANGUAGES, "related": RELATED, "fallback": DEFAULT})
_SCRIPT = Path(__file__).parents[1].joinpath("static", "head.js").read_text(encoding="utf-8")
_ELEMENT = f"<script>{_SCRIPT.replace('LANGUAGES;', f'{_LANGUAGES};')}</script>".encode()


def add_head_script(html: bytes) -> bytes:
    """Return a page with the script as the first element of its head; other text as it is.

    Example:
        >>> add_head_script(b"<head><title>").startswith(b"<head><script>")
        True
    """
    return html.replace(_HEAD, _HEAD + _ELEMENT, 1)
