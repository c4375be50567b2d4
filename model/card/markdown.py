"""Other people's text in Markdown: names of classes and datasets must not become links, images, tables or formulas."""

import re
from collections.abc import Iterable

from model.console import one_line

# An underscore within a word is none of them: `batch_size` stays readable.
MARKUP = re.compile(r"[\\`*\[\]<&$~#!]|(?<![^\W_])_|_(?![^\W_])|(?<=[a-z]):(?=//)|(?<=www)\.|@")
ENTITIES = {"<": "&lt;", "&": "&amp;", "$": "&#36;", "@": "&#64;"}


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, outside of tables; `cell` makes it fit for tables.

    Example:
        >>> plain("a*b [c](d)")
        'a\\\\*b \\\\[c\\\\](d)'
    """
    return MARKUP.sub(lambda found: ENTITIES.get(found[0], f"\\{found[0]}"), one_line(text))


def code(text: str) -> str:
    """Return Markdown that shows a text as it is, as code.

    Example:
        >>> code("a"), code("c`d")
        ('`a`', '``c`d``')
    """
    text = one_line(text) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text[0] == "`" or text[-1] == "`" or (text[0] == text[-1] == " " and text.strip()) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def list_codes(texts: Iterable[str]) -> str:
    """Return texts as code, with commas."""
    return ", ".join(map(code, texts))


def cell(markdown: str) -> str:
    """Return Markdown for a cell of a table, in which a bar would begin the next cell."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", markdown)
