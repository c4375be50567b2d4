"""The lines of writing on a sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.preprocess.pieces import Piece, Span

MIN_COUNTED_HEIGHT = 0.25  # of the highest piece's: lower ones do not count for the typical height
TYPICAL_QUANTILE = 0.75  # of the heights: halves of broken digits are lower than digits, signs over two lines rare
MIN_BODY_HEIGHT, MAX_BODY_HEIGHT = 0.45, 1.6  # of the typical height: only such pieces show where the lines are
MIN_SHARED_ROWS = 0.3  # of the lower one's height: what two bodies on one line share at least
# Bodies that are one above the other are on two lines if they are so far apart, in strokes' widths; nearer ones are the
# halves of digits whose strokes are broken. If there are but two, their gap is also so much of the lower one's height.
MIN_LINE_GAP_STROKES, MIN_LINE_GAP = 2.0, 0.35
MIN_SHARED_GAP_STROKES = 1.0  # is enough between two bodies and two others: digits are rarely broken at one height
# Lines may rise or fall by 10 degrees; of equally good slopes the one nearest to 0 is taken.
SLOPES = sorted(np.linspace(-0.18, 0.18, 13).tolist(), key=abs)


@dataclass(frozen=True)
class Line:
    """A line of writing. In its coordinates a row is y - slope * x.

    Attributes:
        pieces: on it.
        slope: rows that it falls in each column.
        top, foot: the rows where its characters start and end.
    """

    pieces: list[Piece]
    slope: float
    top: float
    foot: float

    @property
    def height(self) -> float:
        """Of its characters, in rows."""
        return self.foot - self.top

    def rows(self, piece: Piece) -> Span:
        """Return a piece's first row and the one after its last, in the line's coordinates."""
        return _rows(piece, self.slope)


def split_lines(pieces: list[Piece], stroke: float) -> list[Line]:
    """Return the lines of a sheet, from the top.

    At the right slope any two characters of a line share rows, those of different lines do not. Marks and parts of
    characters are left out of this, as are signs that span several lines; each belongs to the nearest line.

    Args:
        pieces: at least one.
        stroke: width of a stroke in pixels.
    """
    heights = np.array([piece.height for piece in pieces])
    counted = np.sort(heights[heights >= MIN_COUNTED_HEIGHT * heights.max()])
    shares = heights / counted[int(TYPICAL_QUANTILE * len(counted))]
    is_body = (shares >= MIN_BODY_HEIGHT) & (shares <= MAX_BODY_HEIGHT)
    bodies = [piece for piece, counts in zip(pieces, is_body, strict=True) if counts]
    slope = min(SLOPES, key=lambda slope: _judge(_spans(bodies, slope)))
    spans = _spans(bodies, slope)
    strips = _number_lines(spans)
    line_of = _join_broken(strips, bodies, pieces, slope, stroke)
    members: list[list[Piece]] = [[] for _ in range(line_of.max() + 1)]
    for piece, number in zip(bodies, line_of, strict=True):
        members[number].append(piece)
    bands = np.array([_band(spans[line_of == number], strips[line_of == number]) for number in range(len(members))])
    for piece in (piece for piece, counts in zip(pieces, is_body, strict=True) if not counts):
        top, bottom = _rows(piece, slope)
        apart = np.maximum(bands[:, 0] - bottom, top - bands[:, 1])  # negative where they share rows
        members[int(apart.argmin())].append(piece)
    return [Line(found, slope, *band) for found, band in zip(members, bands.tolist(), strict=True)]


def _band(spans: np.ndarray, strips: np.ndarray) -> Span:
    """Return the rows of a line, from those of its bodies; the parts of a broken one are in several strips."""
    if strips[0] != strips[-1]:
        return float(spans[:, 0].min()), float(spans[:, 1].max())
    return float(np.median(spans[:, 0])), float(np.median(spans[:, 1]))


def _rows(piece: Piece, slope: float) -> Span:
    shift = slope * sum(piece.columns) / 2
    return piece.rows[0] - shift, piece.rows[1] - shift


def _spans(pieces: list[Piece], slope: float) -> np.ndarray:
    """Return the first row, and the one after the last, of each piece: float64 (n, 2)."""
    return np.array([_rows(piece, slope) for piece in pieces])


def _shared(spans: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how many rows spans share, as a share of the lower one's height; negative for a gap."""
    shared = np.minimum(spans[..., 1], others[..., 1]) - np.maximum(spans[..., 0], others[..., 0])
    return shared / np.minimum(np.diff(spans)[..., 0], np.diff(others)[..., 0])


def _number_lines(spans: np.ndarray) -> np.ndarray:
    """Return the number of the line that each span is on, int64 (n,): one starts where too few rows are shared."""
    order = np.argsort(spans.sum(axis=1), kind="stable")
    starts = _shared(spans[order][1:], spans[order][:-1]) < MIN_SHARED_ROWS
    line_of = np.zeros(len(spans), np.int64)
    line_of[order[1:]] = np.cumsum(starts)
    return line_of


def _judge(spans: np.ndarray) -> tuple[int, int]:
    """Return how bad a slope is: pairs on one line that share too few rows, then lines."""
    line_of = _number_lines(spans)
    conflicts = _shared(spans[:, None], spans[None]) < MIN_SHARED_ROWS
    return int((conflicts & (line_of[:, None] == line_of)).sum()), int(line_of.max())


def _join_broken(
    strips: np.ndarray, bodies: list[Piece], pieces: list[Piece], slope: float, stroke: float
) -> np.ndarray:
    """Return the line of each body: strips of bodies, one above the other, are one line if they are near."""
    starts = np.ones(strips.max() + 1, np.int64)
    for number in range(1, len(starts)):
        upper, lower = (
            [piece for piece, strip in zip(bodies, strips, strict=True) if strip == wanted]
            for wanted in (number - 1, number)
        )
        stacked = [(one, other) for one in upper for other in lower if _share_columns(one, other)]
        gaps = [_largest_gap(one, other, pieces, slope) for one, other in stacked]
        least = MIN_LINE_GAP_STROKES * stroke
        if len(upper) == len(lower) == 1:
            least = max(least, MIN_LINE_GAP * min(upper[0].height, lower[0].height))
        is_shared = len({one for one, _ in stacked}) > 1 and len({other for _, other in stacked}) > 1
        is_wide = is_shared and min(gaps) >= MIN_SHARED_GAP_STROKES * stroke
        starts[number] = not gaps or is_wide or np.median(gaps) >= least
    return (np.cumsum(starts) - 1)[strips]


def _share_columns(one: Piece, other: Piece) -> bool:
    return min(one.columns[1], other.columns[1]) > max(one.columns[0], other.columns[0])


def _largest_gap(upper: Piece, lower: Piece, pieces: list[Piece], slope: float) -> float:
    """Return the most rows between two bodies without a smaller piece in their columns."""
    between = [
        _rows(piece, slope)
        for piece in pieces
        if piece.height < min(upper.height, lower.height)
        and _share_columns(piece, upper)
        and _share_columns(piece, lower)
    ]
    largest, start = 0.0, _rows(upper, slope)[1]
    for top, bottom in [*sorted(between), _rows(lower, slope)]:
        if bottom > start:
            largest, start = max(largest, top - start), bottom
    return largest
