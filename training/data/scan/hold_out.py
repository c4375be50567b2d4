"""Hold-outs by content: a row's place from 0 to 1 is a hash of its image, corrected where a class would be missing.

A place does not depend on a row's position or on other rows, so a hold-out stays the same when rows are added, removed
or put into another order, and equal images are always on the same side. A hash meets a fraction only on average:
where a class is small, its places are corrected so that each side has its share.
"""

from collections.abc import Sequence

import numpy as np

from model.errors import TrazoError
from training.data.subset import PLACES, spread

TOLERANCE = 0.5  # how far a class's share of a side may differ from the fraction before its places are corrected


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
    counted = np.flatnonzero(labels >= 0)
    unique, inverse = np.unique(places[counted], return_inverse=True)
    pairs = np.unique(labels[counted].astype(np.int64) * len(unique) + inverse)
    class_of, key_of = pairs // len(unique), pairs % len(unique)
    edges = np.array([0, *(int(cut * PLACES) for cut in cuts), PLACES], np.uint64)
    side = np.searchsorted(edges, unique, side="right") - 1
    start = np.searchsorted(class_of, np.arange(len(names) + 1))
    moved = side.copy()
    for number in sorted(range(len(names)), key=lambda n: start[n + 1] - start[n]):  # the smallest class first
        keys = key_of[start[number] : start[number + 1]]
        if not len(keys):
            continue
        if len(keys) < len(edges) - 1:
            raise TrazoError(
                f"class {names[number]!r} has {len(keys)} different image{'s' * (len(keys) > 1)} (or groups) with a "
                f"label; {len(edges) - 1} are needed, one for each part of the data: add some, or leave the class out "
                "with --classes"
            )
        _balance(keys, moved, np.diff(edges.astype(float)) / PLACES)
    changed = moved != side
    unique[changed] = (edges[moved] + (unique - edges[side]) % (edges[moved + 1] - edges[moved]))[changed]
    corrected = places.copy()
    corrected[counted] = unique[inverse]
    return corrected


def _balance(keys: np.ndarray, side: np.ndarray, fractions: np.ndarray) -> None:
    """Move keys of one class between sides, in place, until each side has about its fraction of them.

    `keys` are in the order of their places, so that the choice depends on the content alone.
    """
    fair = fractions * len(keys)
    least = np.maximum(1, np.floor(fair * (1 - TOLERANCE))).astype(int)
    most = np.maximum(least, np.floor(fair * (1 + TOLERANCE))).astype(int)
    while True:
        counts = np.bincount(side[keys], minlength=len(fractions))
        short, long = np.flatnonzero(counts < least), np.flatnonzero(counts[:-1] > most[:-1])
        if len(short):  # then another side has more than its least: there are at least as many keys as sides
            target, donor = int(short[0]), int(np.argmax(counts - least))
        elif len(long):
            target, donor = len(fractions) - 1, int(long[0])
        else:
            return
        movable = keys[side[keys] == donor]
        # From the end that is nearer to the target: what is moved first moves back last when rows are added.
        side[movable[0] if target < donor else movable[-1]] = target
