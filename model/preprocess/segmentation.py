"""Several characters on one sheet: which pieces of ink belong together, and in which order they are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.preprocess.lines import Line, split_lines
from model.preprocess.marks import MARKS, MAX_DOT_SIDE, MAX_HEIGHT, UNKNOWN, find_mark
from model.preprocess.pieces import SLANTS, Piece, Span, cut_out, find_pieces, join

MIN_OVERLAP = 0.4  # of the narrower piece's width: pieces that overlap so much are one, as a 5 and its bar
NEARBY = 0.25  # of the line's height: only ink within so many rows is above or below another piece
MIN_FULL_HEIGHT = 0.6  # of the line's height: two pieces as high as that, side by side, may be two characters that lean
MIN_BESIDE = 0.5  # of the lower piece's height: pieces that share so many rows are side by side
MAX_REACH = 1.5  # strokes' widths from a character: what is too small to be one, and no mark, is part of it
MAX_SLANT_ERROR = 0.25  # a line's slant is that of most of its strokes; each character has its own
MAX_TOUCH = (
    0.1  # of the narrower one's width: characters that overlap no more, once their slant is taken out, are apart
)
MAX_CHARACTERS_PER_LINE, MAX_CHARACTERS = 20, 60  # more than that is not writing
MAX_PIECES = 200
MIN_INK_OF_LARGEST = 0.03  # of the ink of the largest character: less is dirt, unless it is a mark between two others
MIN_MARK = 0.5  # of the square of a stroke's width: the area of a mark that light


@dataclass(frozen=True)
class Character:
    """One character of a sheet.

    Attributes:
        ink: float32 (h, w), cropped; 0 where the ink of others is.
        line: the number of its line, from 0 at the top.
        mark: which mark it is (see `find_mark`); empty for a digit or a letter.
        is_crowd: it is all ink of a sheet, because there is too much for writing.
    """

    ink: np.ndarray
    line: int = 0
    mark: str = ""
    is_crowd: bool = False


def split_characters(ink: np.ndarray, stroke: float) -> list[Character]:
    """Return the characters of a sheet, line by line, each from left to right.

    Args:
        ink: float32 (h, w), 0 for paper, 1 for full ink.
        stroke: width of a stroke in pixels.

    Returns:
        at least one character; all ink as a single one if there are more than `MAX_CHARACTERS_PER_LINE` in a line, or
        more than `MAX_CHARACTERS`.
    """
    pieces, piece_at = find_pieces(ink, stroke)
    if not 1 < len(pieces) <= MAX_PIECES:
        return [Character(ink, is_crowd=len(pieces) > 1)]
    lines = [_read_line(line, stroke) for line in split_lines(pieces, stroke)]
    heaviest = max(piece.weight for line in lines for piece, _ in line)
    lines = [_remove_dirt(line, MIN_INK_OF_LARGEST * heaviest, MIN_MARK * stroke**2) for line in lines]
    lines = [line for line in lines if line]
    if max(map(len, lines)) > MAX_CHARACTERS_PER_LINE or sum(map(len, lines)) > MAX_CHARACTERS:
        return [Character(ink, is_crowd=True)]
    return [
        Character(cut_out(ink, piece_at, piece), number, mark)
        for number, line in enumerate(lines)
        for piece, mark in line
    ]


def _read_line(line: Line, stroke: float) -> list[tuple[Piece, str]]:
    """Return a line's characters from left to right, each with its mark."""
    slant = _typical_slant([one for one in line.pieces if one.height >= MAX_HEIGHT * line.height])
    groups: list[list[Piece]] = []
    for piece in sorted(line.pieces, key=lambda one: -one.height):
        shared = [max(_shared_columns(piece, other, line.height, slant) for other in group) for group in groups]
        if max(shared, default=0) > 0:
            groups[int(np.argmax(shared))].append(piece)  # one alone: a bar may reach over the next character
        else:
            groups.append([piece])
    characters = list(map(join, groups))
    if len(characters) > 1:
        characters = _join_fragments(characters, line, slant, MAX_REACH * stroke)
    characters.sort(key=lambda one: float((one.x + slant * one.y).mean()))
    return [(one, find_mark(one, line, slant) if len(characters) > 1 else "") for one in characters]


def _join_fragments(characters: list[Piece], line: Line, slant: float, reach: float) -> list[Piece]:
    """Join what is neither a mark nor large enough for a character to the nearest character within reach, in pixels."""
    fragments = [one for one in characters if find_mark(one, line, slant) == UNKNOWN]
    groups = [[one] for one in characters if one not in fragments]
    for fragment in fragments:
        # The distance of boxes, which takes far less time, shows which of many characters are out of reach.
        apart = [
            fragment.distance(group[0]) if fragment.box_distance(group[0]) <= reach else np.inf for group in groups
        ]
        if min(apart, default=np.inf) <= reach:
            groups[int(np.argmin(apart))].append(fragment)
        else:
            groups.append([fragment])
    return list(map(join, groups))


def _shared_columns(piece: Piece, other: Piece, line_height: float, slant: float) -> float:
    """Return how many columns two pieces of a line share; 0 if they are not parts of one character.

    Args:
        piece: the one that is not higher.
        other: the other one.
        line_height: in rows.
        slant: of the line, in columns per row.
    """
    top, bottom = max(piece.rows[0], other.rows[0]), min(piece.rows[1], other.rows[1])
    upright = list(map(_overlap, piece.upright_columns.tolist(), other.upright_columns.tolist()))
    if max(piece.width, piece.height, other.width, other.height) <= MAX_DOT_SIDE * line_height:
        return max(upright)[1]  # two dots, however far apart: a colon
    if piece.height >= MIN_FULL_HEIGHT * line_height and bottom - top >= MIN_BESIDE * piece.height:
        touch = min(
            share for (share, _), one in zip(upright, SLANTS, strict=True) if abs(one - slant) <= MAX_SLANT_ERROR
        )
        return _overlap(piece.columns, other.columns)[1] if touch > MAX_TOUCH else 0
    near = top - NEARBY * line_height, bottom + NEARBY * line_height
    found = [_overlap(piece.columns_at(slant, near), other.columns_at(slant, near))[1]]
    # What is below and to the right of the nearest ink may be a comma, even if a 7 reaches over it.
    if sum(piece.rows) < sum(other.rows) or _is_left(piece.columns_at(slant), other.columns_at(slant, near)):
        found.append(_overlap(piece.columns_at(slant), other.columns_at(slant))[1])
    return max(found)


def _is_left(one: Span | None, other: Span | None) -> bool:
    return one is not None and other is not None and sum(one) < sum(other)


def _overlap(one: Span | None, other: Span | None) -> tuple[float, float]:
    """Return the columns that two spans share: as a share of the narrower one, and their number if that is enough."""
    if one is None or other is None:
        return 0.0, 0.0
    shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    share = shared / min(one[1] - one[0], other[1] - other[0])
    return share, shared if share >= MIN_OVERLAP else 0.0


def _typical_slant(characters: list[Piece]) -> float:
    """Return by how many columns characters lean to the right in each row, the median of all."""
    slants = [0.0]
    for one in characters:
        x, y = one.x - one.x.mean(), one.y - one.y.mean()
        slants.append(-float((x * y).sum() / max((y * y).sum(), 1e-9)))
    return float(np.clip(np.median(slants[1:] or slants), SLANTS[0], SLANTS[-1]))


def _remove_dirt(line: list[tuple[Piece, str]], min_weight: float, min_area: float) -> list[tuple[Piece, str]]:
    """Return a line without what is too light; a mark between two characters, such as a decimal point, may be light."""
    places = [place for place, (one, mark) in enumerate(line) if not mark and one.weight >= min_weight]
    first, last = min(places, default=len(line)), max(places, default=-1)
    return [
        (one, mark)
        for place, (one, mark) in enumerate(line)
        if one.weight >= min_weight or (first < place < last and mark in MARKS and len(one.x) >= min_area)
    ]
