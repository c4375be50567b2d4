"""Hold-outs by content: a row's place from 0 to 1 is a hash of its image, corrected where a class would be missing.

A place does not depend on a row's position or on other rows, so a hold-out stays the same when rows are added, removed
or put into another order, and equal images are always on the same side. A hash meets a fraction only on average:
where a class is small, its places are corrected so that each side has its share.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from model.errors import TrazoError
from training.data.subset import PLACES, spread

MAX_NAMED = 10  # classes in a message
TOLERANCE = 0.3  # how far a class's share of a side may differ from the fraction before its places are corrected


def places_of(keys: np.ndarray) -> np.ndarray:
    """Return the place of each row, uint64 (rows,), 0 … `PLACES` − 1: equal for rows with an equal key.

    Args:
        keys: uint64 (rows,): the hash of the image, or of the group's name.
    """
    return spread(keys)


def stratify(places: np.ndarray, labels: np.ndarray, cuts: Sequence[float], names: Sequence[str]) -> np.ndarray:
    """Return the places with every class on every side, in about the same share.

    Only rows of classes whose share of a side is too far from the fraction change their place, and rows with an equal
    place change it together. Larger classes keep the places of their hash.

    Args:
        places: uint64 (rows,), from `places_of`.
        labels: class ids (rows,); −1 for rows that do not count.
        cuts: ends of the sides without the last, ascending, between 0 and 1; (0.1, 0.2) makes three sides of
            10 %, 10 % and 80 %.
        names: of the classes.

    Returns:
        uint64 (rows,).

    Raises:
        TrazoError: if a class has fewer different images or groups than there are sides.

    Example:
        >>> labels = np.repeat([0, 1], [1000, 5])
        >>> places = stratify(places_of(np.arange(1005, dtype=np.uint64)), labels, (0.1,), ("ok", "defect"))
        >>> int((places[1000:] < PLACES // 10).sum())
        1
    """
    edges = np.array([0, *(int(cut * PLACES) for cut in cuts), PLACES], np.uint64)
    fractions = np.diff(edges.astype(float)) / PLACES
    by_class = np.argsort(labels, kind="stable")
    start = np.searchsorted(labels[by_class], np.arange(len(names) + 1))

    def different(number: int) -> np.ndarray:
        return np.unique(places[by_class[start[number] : start[number + 1]]])

    sizes = [len(different(number)) for number in range(len(names))]
    _check_sizes(dict(zip(names, sizes, strict=True)), len(fractions))
    moved: dict[int, int] = {}  # place -> side
    for number in sorted(range(len(names)), key=sizes.__getitem__):  # the smallest class first
        if not sizes[number]:
            continue
        keys = different(number)
        side = np.searchsorted(edges, keys, side="right") - 1
        if moved:  # images that an earlier class has, too
            for position in np.flatnonzero(np.isin(keys, np.fromiter(moved, np.uint64))).tolist():
                side[position] = moved[int(keys[position])]
        for position in _balance(side, fractions):
            moved[int(keys[position])] = int(side[position])
    return _move(places, moved, edges) if moved else places


def _check_sizes(sizes: Mapping[str, int], sides: int) -> None:
    """Refuse classes, name -> number of different images or groups, that are too small to be on every side."""
    small = [name for name, size in sizes.items() if 0 < size < sides]
    if not small:
        return
    first, others = small[0], small[1 : MAX_NAMED + 1]
    more = "".join(f", {name!r} has {sizes[name]}" for name in others)
    more += f", and {len(small) - 1 - MAX_NAMED:,} more classes have too few" if len(small) > MAX_NAMED + 1 else ""
    raise TrazoError(
        f"class {first!r} has {sizes[first]} different image{'s' * (sizes[first] > 1)} (or groups) with a label{more}; "
        f"{sides} are needed, one for each part of the data: add some, or leave the "
        f"{'classes' if others else 'class'} out with --classes"
    )


def _move(places: np.ndarray, moved: dict[int, int], edges: np.ndarray) -> np.ndarray:
    """Return the places with some of them on other sides.

    Args:
        places: uint64 (rows,).
        moved: place -> its new side.
        edges: of the sides, uint64 (sides + 1,).
    """
    corrected = places.copy()
    rows = np.flatnonzero(np.isin(places, np.fromiter(moved, np.uint64)))
    old = places[rows]
    new_side = np.array([moved[place] for place in old.tolist()], np.int64)
    old_side = np.searchsorted(edges, old, side="right") - 1
    shifted = edges[new_side] + (old - edges[old_side]) % (edges[new_side + 1] - edges[new_side])
    corrected[rows] = np.where(new_side == old_side, old, shifted)
    return corrected


def _balance(side: np.ndarray, fractions: np.ndarray) -> list[int]:
    """Move keys of one class between sides, in place, until each side has about its fraction of them.

    Args:
        side: of each key, in the order of the places, so that the choice depends on the content alone.
        fractions: of the sides.

    Returns:
        the positions of the keys that were moved.
    """
    fair = fractions * len(side)
    least = np.maximum(1, np.floor(fair * (1 - TOLERANCE))).astype(int)
    most = np.maximum(least, np.ceil(fair * (1 + TOLERANCE))).astype(int)
    moved: list[int] = []
    while True:
        counts = np.bincount(side, minlength=len(fractions))
        short, long = np.flatnonzero(counts < least), np.flatnonzero(counts[:-1] > most[:-1])
        if len(short):  # then another side has more than its least: there are at least as many keys as sides
            target, donor = int(short[0]), int(np.argmax(counts - least))
        elif len(long):
            target, donor = len(fractions) - 1, int(long[0])
        else:
            return moved
        movable = np.flatnonzero(side == donor)
        # From the end that is nearer to the target: what is moved first moves back last when rows are added.
        moved.append(int(movable[0] if target < donor else movable[-1]))
        side[moved[-1]] = target
