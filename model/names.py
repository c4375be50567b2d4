"""Names of classes and models: which characters they may hold, and when two of them look the same.

They come from datasets and models of other people, and are shown on pages, in cards, tables, files and terminals. A
character that nobody sees, that ends a line or that turns the direction of writing would make a name look like another
one, or the text around it say something else.
"""

import re
from collections.abc import Iterable
from unicodedata import category, name, normalize

from model.errors import TrazoError

MAX_NAME_CHARS = 500
REFUSED_CATEGORIES = {
    "Cc": "a control character",
    "Cf": "an invisible character",  # zero width, or the direction of writing
    "Cs": "half a character, which UTF-8 cannot hold",
    "Zl": "a line break",
    "Zp": "a line break",
}
JOINERS = "\u200c\u200d"  # within words of some scripts, and within emoji
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters and marks without a form
LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85"
IGNORED = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # joiners, and variants of a form


def check_name(what: str, text: str) -> str:
    """Return a name that can be shown anywhere.

    Args:
        what: it is, for messages.
        text: the name.

    Raises:
        TrazoError: if it is empty or too long, or holds a character that controls, hides or breaks a text.

    Example:
        >>> check_name("a label", "gato")
        'gato'
    """
    if len(text) > MAX_NAME_CHARS:
        raise TrazoError(f"{what} has {len(text):,} characters, at most {MAX_NAME_CHARS} are allowed: {text[:40]!r}…")
    if not text.strip():
        raise TrazoError(f"{what} is empty")
    for position, character in enumerate(text):
        if found := _describe_refused(text, position):
            raise TrazoError(f"{what}, {text!r}, holds {found} (U+{ord(character):04X}{_unicode_name(character)})")
    return text


def check_names(what: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return names that can be shown anywhere, and of which no two look the same.

    Args:
        what: one of them is, for messages.
        texts: the names.

    Raises:
        TrazoError: as `check_name`, or if two look the same.
    """
    seen: dict[str, str] = {}
    for text in texts:
        key = " ".join(re.split(r"\s", IGNORED.sub("", normalize("NFC", check_name(what, text)))))
        if key in seen:
            same = f"{text!r} appears twice" if seen[key] == text else f"{seen[key]!r} and {text!r} look the same"
            raise TrazoError(f"{what} must differ from the others: {same}")
        seen[key] = text
    return tuple(seen.values())


def _describe_refused(text: str, position: int) -> str | None:
    """Return what is wrong with a character of a text; None if nothing is."""
    character = text[position]
    if character in LINE_BREAKS:
        return "a line break"
    if character in FILLERS:
        return "an invisible character"
    around = text[position - 1 : position] + text[position + 1 : position + 2]
    if character in JOINERS and len(around) == 2 and not any(map(str.isascii, around)):
        return None
    return REFUSED_CATEGORIES.get(category(character))


def _unicode_name(character: str) -> str:
    found = name(character, "")
    return f", {found}" if found else ""
