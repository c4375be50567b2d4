"""Several signs on one sheet: which pieces of ink belong together, and in which order they are read."""

import cv2
import numpy as np

from model.preprocess.foreground import MIN_INK_SHARE

NEAR = 0.5  # of a stroke's width: pieces that are nearer than that are one sign, a pen having skipped
ABOVE = 0.4  # of the narrower one's width: pieces that lie so far above one another are one, as a 5 and its bar
MOST = 20  # signs in a line; more are no writing
SPECK_OF_SIGN = 0.03  # of the ink of the largest sign: less is dirt


def split_characters(ink: np.ndarray, stroke: float) -> list[np.ndarray]:
    """Return the signs in a line of writing, from left to right.

    Args:
        ink: float32 (h, w), 0 for paper, 1 for full ink.
        stroke: width of a stroke in pixels.

    Returns:
        arrays like `ink`, each with one sign's ink alone; all of it as one where there are more than `MOST`.
    """
    drawn = (ink > MIN_INK_SHARE).astype(np.uint8)
    reach = 1 + 2 * int(NEAR * stroke / 2)  # each of two pieces grows by half of what they may be apart
    grown = cv2.dilate(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    number, pieces, boxes, _ = cv2.connectedComponentsWithStats(grown)
    groups = _above_one_another([(n, int(x), int(x + w)) for n, (x, _, w, *_) in enumerate(boxes.tolist()) if n])
    group_of = np.full(number, -1)  # the paper belongs to none
    for place, group in enumerate(groups):
        group_of[group] = place
    group_at = group_of[pieces]
    weights = np.bincount(group_at.ravel() + 1, ink.ravel(), len(groups) + 1)[1:]
    signs = np.flatnonzero(weights >= SPECK_OF_SIGN * weights.max(initial=0))
    return [ink * (group_at == sign) for sign in signs] if len(signs) <= MOST else [ink]


def _above_one_another(pieces: list[tuple[int, int, int]]) -> list[list[int]]:
    """Join pieces (number, left, right) that lie above one another; returns each group's numbers, from the left."""
    groups: list[tuple[list[int], int, int]] = []
    for number, left, right in sorted(pieces, key=lambda piece: piece[1:]):
        if groups:
            numbers, first, last = groups[-1]
            if min(last, right) - left >= ABOVE * min(last - first, right - left):
                groups[-1] = [*numbers, number], first, max(last, right)
                continue
        groups.append(([number], left, right))
    return [numbers for numbers, _, _ in groups]
