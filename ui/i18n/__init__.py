"""The page's texts, one JSON file per language next to this module, and the language of a request.

A file `fr.json` adds French. What it lacks is taken from `en.json`. Its sections:

- `browser`: labels, tab names and guidance, which Gradio translates in the browser (`ui.tabs.panels.i18n`).
- `server`: messages, charts and tables. A text may hold `{fields}`, which Gradio's translator cannot fill in.
- `lesson`: the steps of the lesson, sent when it is opened.
- `gradio`: texts of Gradio itself that Gradio shows in English in every language.
- `numbers`: the decimal mark, the mark between thousands and the form of a percentage.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from model.io.trials import LEARNING_RATE, get_optimizer

if TYPE_CHECKING:
    import gradio as gr

Language: TypeAlias = str  # the name of a file without its suffix: "en", "es"
DEFAULT = "en"
# Languages without a file whose readers understand another one better than English.
RELATED: dict[str, Language] = {"ca": "es", "gl": "es", "eu": "es", "pt": "es"}


def load(folder: Path) -> dict[Language, dict[str, dict[str, str]]]:
    """Read the texts of all languages: language -> section -> key -> text."""
    files = sorted(folder.glob("*.json"))
    texts = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    return {
        language: {section: default | own.get(section, {}) for section, default in texts[DEFAULT].items()}
        for language, own in texts.items()
    }


_TEXTS = load(Path(__file__).parent)
LANGUAGES: tuple[Language, ...] = tuple(_TEXTS)
BROWSER_TEXT = {language: sections["browser"] for language, sections in _TEXTS.items()}
SERVER_TEXT = {language: sections["server"] for language, sections in _TEXTS.items()}
LESSON_TEXT = {language: sections["lesson"] for language, sections in _TEXTS.items()}
GRADIO_TEXT = {language: sections["gradio"] for language, sections in _TEXTS.items()}
NUMBERS = {language: sections["numbers"] for language, sections in _TEXTS.items()}


class UserError(ValueError):
    """An error that is shown to the user, in the language of the request."""

    def __init__(self, key: str, **values: object) -> None:
        """Name a text of the section `server` and the values of its fields."""
        super().__init__(key)
        self.key, self.values = key, values

    def text(self, language: Language) -> str:
        """Return the message."""
        return translate(self.key, language, **self.values)

    def __str__(self) -> str:
        """Return the message in English, for logs and tests."""
        return self.text(DEFAULT)


def translate(key: str, language: Language, **values: object) -> str:
    """Return a text of the section `server` with its fields filled in."""
    return SERVER_TEXT[language][key].format(**values)


def display_name(name: str, language: Language) -> str:
    """Return a name from a report (a metric, a hyperparameter, a status) in words.

    `val_accuracy` is "accuracy (validation)". A name without a translation comes back with spaces for underscores.
    """
    words = SERVER_TEXT[language]
    if optimizer := get_optimizer(name):
        return f"{words[LEARNING_RATE]} ({optimizer})"
    metric = name.removeprefix("val_")
    text = words.get(metric, metric.replace("_", " "))
    return text if metric == name else f"{text} ({words['validation']})"


def number(value: float, form: str, language: Language) -> str:
    """Return a number in one of Python's formats, with the marks of the language: 1,234.5 is 1 234,5 in Spanish."""
    marks = NUMBERS[language]
    return format(value, form).translate({ord("."): marks["decimal"], ord(","): marks["thousands"]})


def percent(share: float, language: Language, decimals: int = 1) -> str:
    """Return a share as a percentage; never 100 if something is left over."""
    step = 10.0**-decimals
    rounded = 100 if share > 1 - step / 1000 else min(100 * share, 100 - step)
    return NUMBERS[language]["percent"].format(number(rounded, f".{decimals}f", language))


def find_language(name: str) -> Language | None:
    """Return the language to show to readers of another, such as `es-MX` or `ca`; None if there is none near it."""
    short = name.partition("-")[0].strip().lower()
    return short if short in LANGUAGES else RELATED.get(short)


def language_of(request: gr.Request | None) -> Language:
    """Return the language of a request: the first of its list that has a file, or is near one that has; else English.

    The page itself sends the one language that it is shown in (`static/head.js`).
    """

    def weight(choice: str) -> float:
        try:
            return float(choice.partition("q=")[2] or 1)
        except ValueError:
            return 0.0

    header = request.headers.get("accept-language", "")[:500] if request else ""
    accepted = [choice for choice in header.split(",") if weight(choice) > 0]
    found = (find_language(choice.partition(";")[0]) for choice in sorted(accepted, key=weight, reverse=True))
    return next(filter(None, found), DEFAULT)
