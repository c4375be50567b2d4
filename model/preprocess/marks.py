"""Marks between digits: signs that are much lower than the line they stand on."""

from __future__ import annotations

import numpy as np

from model.preprocess.lines import Line
from model.preprocess.pieces import Piece

COMMA, POINT, COLON, MINUS, UNKNOWN = ",", ".", ":", "-", "?"
MARKS = (COMMA, POINT, COLON, MINUS)
# All of the line's height.
MAX_HEIGHT = 0.4  # what is lower cannot be a digit
MAX_COMMA_HEIGHT = 0.65  # a comma may be as high as that, if it hangs below the foot by
MIN_HANG = 0.1
MAX_DOT_SIDE = 0.35  # of a point, or one of a colon
MIN_FOOT_TOP = 0.55  # from the top: what starts lower is at the foot of the line
MINUS_MIDDLE = 0.25, 0.75  # from the top: where a minus may be
MIN_LONG = 1.6  # length by width of a comma; what is rounder is a point
MIN_FLAT, MAX_RISE = 2.0, 0.5  # length by width of a minus, and the slope of its stroke
MAX_ROUND = 2.0  # length by width of a dot; a fine pen's may be longer, a tick of at most
MAX_TICK = 0.2
MIN_SOLID = 0.6  # of its box is ink in a point; less is a ring


def find_mark(character: Piece, line: Line, slant: float) -> str:
    """Return which mark a character is.

    Args:
        character: one of several on a line.
        line: that it is on.
        slant: of the line, in columns to the right per row; it is taken out of the shape of a mark.

    Returns:
        a comma, a point, a colon or a minus; "?" for what is too low to be a digit and none of these; empty if it is
        high enough.
    """
    top, bottom = ((row - line.top) / line.height for row in line.rows(character))
    if len(character.parts) == 2 and all(_is_dot(part, line) for part in character.parts):
        return COLON
    long, rise = min(_shape(character, 0), _shape(character, slant))
    if bottom - top >= MAX_HEIGHT:
        hangs = top >= MIN_FOOT_TOP and bottom >= 1 + MIN_HANG and bottom - top < MAX_COMMA_HEIGHT
        return COMMA if hangs and long >= MIN_LONG and rise > MAX_RISE else ""
    if top >= MIN_FOOT_TOP:
        if long >= MIN_LONG and rise > MAX_RISE:
            return COMMA
        return POINT if _is_dot(character, line) else UNKNOWN
    is_flat = long >= MIN_FLAT and rise <= MAX_RISE
    return MINUS if is_flat and MINUS_MIDDLE[0] <= (top + bottom) / 2 <= MINUS_MIDDLE[1] else UNKNOWN


def _is_dot(piece: Piece, line: Line) -> bool:
    short, long = sorted((piece.width, piece.height))
    if long <= MAX_TICK * line.height and _shape(piece, 0)[0] >= MIN_LONG:
        return True
    is_small = long <= MAX_DOT_SIDE * line.height and long <= MAX_ROUND * short
    return is_small and len(piece.x) >= MIN_SOLID * piece.width * piece.height


def _shape(piece: Piece, slant: float) -> tuple[float, float]:
    """Return a piece's length by its width, and the slope of its longer axis, 0 for a horizontal one."""
    # The variance within a pixel is 1/12 on each axis.
    spread = np.cov(np.stack([piece.x + slant * piece.y, piece.y]), bias=True) + np.eye(2) / 12
    (across, along), axes = np.linalg.eigh(spread)
    x, y = axes[:, 1]
    return float(np.sqrt(along / across)), float(abs(y) / max(abs(x), 1e-9))
