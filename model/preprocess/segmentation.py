"""Several characters on one sheet: which pieces of ink belong together, and in which order they are read."""

import cv2
import numpy as np

from model.preprocess.foreground import MIN_INK_SHARE

MAX_GAP = 0.5  # of a stroke's width: nearer pieces are one character, where a pen skipped
MIN_OVERLAP = 0.4  # of the narrower piece's width: pieces that overlap so much are one, as a 5 and its bar
MAX_CHARACTERS_PER_LINE = 20  # more than that is not writing
MIN_INK_OF_LARGEST = 0.03  # of the ink of the largest character: less is dirt


def split_characters(ink: np.ndarray, stroke: float) -> list[np.ndarray]:
    """Return the characters in a line of writing, from left to right.

    Args:
        ink: float32 (h, w), 0 for paper, 1 for full ink.
        stroke: width of a stroke in pixels.

    Returns:
        arrays like `ink`, each with the ink of one character; a single array if there are more than
        `MAX_CHARACTERS_PER_LINE`.
    """
    drawn = (ink > MIN_INK_SHARE).astype(np.uint8)
    reach = 1 + 2 * int(MAX_GAP * stroke / 2)  # each of two pieces grows by half of the gap
    grown = cv2.dilate(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    number, pieces, boxes, _ = cv2.connectedComponentsWithStats(grown)
    groups = _group_by_overlap([(n, int(x), int(x + w)) for n, (x, _, w, *_) in enumerate(boxes.tolist()) if n])
    group_of = np.full(number, -1)  # the paper belongs to none
    for place, group in enumerate(groups):
        group_of[group] = place
    group_at = group_of[pieces]
    weights = np.bincount(group_at.ravel() + 1, ink.ravel(), len(groups) + 1)[1:]
    characters = np.flatnonzero(weights >= MIN_INK_OF_LARGEST * weights.max(initial=0))
    return [ink * (group_at == group) for group in characters] if len(characters) <= MAX_CHARACTERS_PER_LINE else [ink]


def _group_by_overlap(pieces: list[tuple[int, int, int]]) -> list[list[int]]:
    """Join pieces (number, left, right) that overlap horizontally; return each group's numbers, from the left."""
    groups: list[tuple[list[int], int, int]] = []
    for number, left, right in sorted(pieces, key=lambda piece: piece[1:]):
        if groups:
            numbers, first, last = groups[-1]
            if min(last, right) - left >= MIN_OVERLAP * min(last - first, right - left):
                groups[-1] = [*numbers, number], first, max(last, right)
                continue
        groups.append(([number], left, right))
    return [numbers for numbers, _, _ in groups]
