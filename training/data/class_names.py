"""Match the classes of one dataset with those of another, or of a model, by their names."""

import unicodedata
from collections.abc import Sequence


def match_names(names: Sequence[str], labels: Sequence[str]) -> list[int | None]:
    """Return the position in `labels` of each name; None for a name that is not among them.

    Names are compared in one Unicode form: a Mac writes the accents of folders as separate characters.

    Example:
        >>> match_names(["dog", "zebra"], ["cat", "dog"])
        [1, None]
    """
    exact = {label: number for number, label in reversed(list(enumerate(labels)))}
    composed = {_compose(label): number for label, number in exact.items()}
    return [exact.get(name, composed.get(_compose(name))) for name in names]


def _compose(name: str) -> str:
    return unicodedata.normalize("NFC", name)
