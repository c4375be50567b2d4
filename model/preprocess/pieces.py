"""The connected pieces of ink on a sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from model.preprocess.foreground import MIN_INK_SHARE

MAX_GAP = 0.5  # of a stroke's width: nearer ink is one piece, where a pen skipped
# How far writing may lean: columns to the right per row above; 0.65 is 33 degrees.
SLANTS = np.linspace(-0.3, 0.65, 20)

Span = tuple[float, float]  # the first row or column, and the one after the last


@dataclass(frozen=True, eq=False)
class Piece:
    """Connected ink, or several such parts that are one character.

    Attributes:
        numbers: of the parts, as in the map that `find_pieces` returns.
        x, y: int64 (n,), the pixels with ink, row by row.
        weight: sum of the ink.
        parts: the pieces that it was joined from; empty for a piece that holds together.
    """

    numbers: tuple[int, ...]
    x: np.ndarray
    y: np.ndarray
    weight: float
    parts: tuple[Piece, ...] = ()

    @cached_property
    def rows(self) -> Span:
        """Where it starts and ends from top to bottom."""
        return int(self.y.min()), int(self.y.max()) + 1

    @cached_property
    def columns(self) -> Span:
        """Where it starts and ends from left to right."""
        return int(self.x.min()), int(self.x.max()) + 1

    @property
    def height(self) -> float:
        """The number of rows."""
        return self.rows[1] - self.rows[0]

    @property
    def width(self) -> float:
        """The number of columns."""
        return self.columns[1] - self.columns[0]

    @cached_property
    def upright_columns(self) -> np.ndarray:
        """The columns once each of `SLANTS` is taken out, float64 (slants, 2)."""
        rows, left, right = self._outline
        by = SLANTS[:, None] * rows
        return np.stack([(left + by).min(axis=1), (right + by).max(axis=1)], axis=1)

    def columns_at(self, slant: float, rows: Span | None = None) -> Span | None:
        """Return the columns once a slant is taken out, of what lies within some rows; None if nothing does."""
        inked, left, right = self._outline
        first, last = np.searchsorted(inked, rows) if rows else (0, len(inked))
        if first == last:
            return None
        by = slant * inked[first:last]
        return float((left[first:last] + by).min()), float((right[first:last] + by).max())

    def box_distance(self, other: Piece) -> float:
        """Return the distance of its box from that of another piece, in pixels; `distance` is never less."""
        spans = (self.rows, other.rows), (self.columns, other.columns)
        return math.hypot(*(max(0, one[0] - two[1], two[0] - one[1]) for one, two in spans))

    def distance(self, other: Piece) -> float:
        """Return how far the ends of its rows are from those of another piece, in pixels."""
        ends, others = (
            np.concatenate([np.stack([left, rows], axis=1), np.stack([right, rows], axis=1)])
            for rows, left, right in (self._outline, other._outline)
        )
        return float(np.sqrt(((ends[:, None] - others[None]) ** 2).sum(axis=2).min()))

    @cached_property
    def _outline(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows with ink, and where their ink starts and ends."""
        rows, starts = np.unique(self.y, return_index=True)
        return rows, self.x[starts], self.x[np.append(starts[1:], len(self.x)) - 1] + 1


def join(parts: Sequence[Piece]) -> Piece:
    """Return one piece of several."""
    if len(parts) == 1:
        return parts[0]
    x, y = np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    order = np.lexsort([x, y])
    numbers = tuple(number for part in parts for number in part.numbers)
    return Piece(numbers, x[order], y[order], sum(part.weight for part in parts), tuple(parts))


def find_pieces(ink: np.ndarray, stroke: float) -> tuple[list[Piece], np.ndarray]:
    """Return the pieces of ink on a sheet.

    Args:
        ink: float32 (h, w), 0 for paper, 1 for full ink.
        stroke: width of a stroke in pixels.

    Returns:
        the pieces; and int32 (h, w), the number of the piece that each pixel
        belongs to, with half of the gaps around it. The paper has the number 0.
    """
    drawn = (ink > MIN_INK_SHARE).astype(np.uint8)
    reach = 1 + 2 * int(MAX_GAP * stroke / 2)  # each of two pieces grows by half of the gap
    grown = cv2.dilate(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    number, piece_at = cv2.connectedComponents(grown)
    if number == 1:
        return [], piece_at
    y, x = np.nonzero(drawn)
    owner = piece_at[y, x]
    order = np.argsort(owner, kind="stable")
    places = np.split(order, np.searchsorted(owner[order], np.arange(2, number)))
    weights = np.bincount(piece_at.ravel(), ink.ravel(), number)
    return [Piece((n,), x[at], y[at], float(weights[n])) for n, at in enumerate(places, 1)], piece_at


def cut_out(ink: np.ndarray, piece_at: np.ndarray, piece: Piece) -> np.ndarray:
    """Return the ink of one piece, float32, cropped; the arguments are those of `find_pieces` and its results."""
    x, y, width, height = cv2.boundingRect(np.isin(piece_at, piece.numbers).view(np.uint8))
    inside = slice(y, y + height), slice(x, x + width)
    return ink[inside] * np.isin(piece_at[inside], piece.numbers)
