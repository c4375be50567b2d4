"""The line of a model card that links a Space: written by `publish` and `deploy`, found again in a card of the Hub."""

import re

DEMO = "**Demo:** "
ADDRESS = "https://huggingface.co/spaces/"
LINE = re.compile(rf"^{re.escape(DEMO)}\[[^\]\n]*\]\({re.escape(ADDRESS)}([\w.-]+/[\w.-]+)\).*$", re.MULTILINE)
USE = re.compile(r"^## Use$", re.MULTILINE)


def demo_line(space: str) -> str:
    """Return the line for a Space, `owner/name`.

    Example:
        >>> demo_line("me/digits")
        '**Demo:** [me/digits](https://huggingface.co/spaces/me/digits)'
    """
    return f"{DEMO}[{space}]({ADDRESS}{space})"


def find_demo(card: str) -> str | None:
    """Return the Space that a card links, `owner/name`; None without one."""
    found = LINE.search(card)
    return found[1] if found else None


def with_demo(card: str, space: str) -> str | None:
    """Return a card that links a Space; None if it has no place for the line, as in a card that Trazo did not write."""
    if LINE.search(card):
        return LINE.sub(demo_line(space), card, count=1)
    found = USE.search(card)
    return f"{card[: found.start()]}{demo_line(space)}\n\n{card[found.start() :]}" if found else None
