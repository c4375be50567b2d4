"""A part of a dataset: some of its classes (`--classes`), or a number of its rows (`--max-rows`)."""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from model.errors import TrazoError
from training.data.class_names import match_names
from training.data.subset import spread

MAX_NAMED = 10  # classes in a message
MAX_SUGGESTED = 3  # known names for one that is unknown
# Hold-outs take the lowest places: rows must be chosen by other numbers, or all of them would be held out.
OTHER_PLACES = np.uint64(0x5851F42D4C957F2D)


def find_classes(wanted: Sequence[str], known: Sequence[str], dataset: str) -> tuple[str, ...]:
    """Return the names of the dataset's classes that were requested, in the order of the request.

    Raises:
        TrazoError: if there is no such class; the text names those that are written almost like it.

    Example:
        >>> find_classes(["dog", "cat"], ["bird", "cat", "dog"], "pets")
        ('dog', 'cat')
    """
    numbers = match_names(wanted, known)
    unknown = [name for name, number in zip(wanted, numbers, strict=True) if number is None]
    if unknown:
        folded = {name.casefold(): name for name in known}
        near = {folded[n] for one in unknown for n in get_close_matches(one.casefold(), folded, MAX_SUGGESTED)}
        shown, of = (sorted(near), "similar names") if near else (known[:MAX_NAMED], "its classes")
        more = f" and {len(known) - MAX_NAMED:,} more" if not near and len(known) > MAX_NAMED else ""
        raise TrazoError(
            f"{dataset!r} has no class {', '.join(map(repr, unknown[:MAX_NAMED]))}; {of}: {', '.join(shown)}{more}"
        )
    return tuple(dict.fromkeys(known[number] for number in numbers if number is not None))


def choose_rows(keys: np.ndarray, candidates: np.ndarray, count: int) -> np.ndarray:
    """Return which rows to keep so that `count` candidates are left, bool (rows,); all if there are no more than that.

    Each row has a place that follows from its key alone. Those with the lowest are kept: when rows are added, only a
    few of those that were kept before give way.

    Args:
        keys: whole numbers (rows,): the hash of the image, or the row's id.
        candidates: bool (rows,): the rows to choose from.
        count: at least 1.
    """
    rows = np.flatnonzero(candidates)
    if len(rows) <= count:
        return candidates
    places = spread(keys[rows].astype(np.uint64) ^ OTHER_PLACES)
    last = np.partition(places, count - 1)[count - 1]
    chosen = places < last
    chosen[np.flatnonzero(places == last)[: count - int(chosen.sum())]] = True  # equal images: the first ones
    keep = np.zeros(len(keys), bool)
    keep[rows[chosen]] = True
    return keep
