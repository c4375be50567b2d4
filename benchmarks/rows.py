"""How often a sheet with several signs is split into the right ones: rows that lean, marks, lines, and single digits.

    python -m benchmarks.rows --data FOLDER [--drawings FOLDER] [--sheets 500] [--write]

`--data` is MNIST; only its training split is used. A row holds two or three random digits, a gap of so many stroke's
widths between their boxes, and is then sheared as a whole; "kerned" rows are sheared first and pushed together until
that gap is left in the nearest row. A row is right if it has as many signs as digits. `--drawings` holds datasets of
free drawings (training splits, if there are any), each of which should be one sign.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.common import about, named, report
from model.preprocess.decode import open_image, to_array
from model.preprocess.sketch import read_sheet
from model.quiet import quiet

SHAPE = (28, 28, 1)
SCALE = 4  # of MNIST's images
STROKE_PX = 10  # of MNIST's strokes at that scale
DEGREES, GAPS = (0, 15, 25, 30), (1.0, 2.0, 4.0)
MARGIN_PX = 40
POOL = 4000  # digits that are drawn from

Sheet = tuple[np.ndarray, list[str]]  # uint8 (h, w), dark on light; the signs of each line, "d" for a digit


def digits(data: str, count: int) -> list[np.ndarray]:
    """Return the ink of the first training rows, float32 (h, w), enlarged and cropped."""
    return [
        _crop(cv2.resize(ink, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)) for ink in _inks(data, count)
    ]


def _inks(dataset: str, count: int) -> Iterator[np.ndarray]:
    """Yield the ink of the first rows of a training split, or of the only split, float32 (h, w)."""
    with quiet():
        from training.stream import HubStream

    folder = Path(dataset)
    split = "train" if any(folder.rglob("train-*.parquet")) else "test"
    given = 0
    for batch in HubStream(dataset, split=split, batch_size=100).ordered():
        for encoded in batch.images:
            if given == count:
                return
            gray = cv2.cvtColor(to_array(open_image(encoded).convert("RGB")), cv2.COLOR_RGB2GRAY).astype(np.float32)
            paper = np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]]))
            yield np.abs(gray - paper) / max(np.abs(gray - paper).max(), 1)
            given += 1


def _crop(ink: np.ndarray) -> np.ndarray:
    x, y, width, height = cv2.boundingRect((ink > 0.3).astype(np.uint8))
    return ink[y : y + height, x : x + width].clip(0, 1)


def shear(ink: np.ndarray, degrees: float) -> np.ndarray:
    """Return ink that leans to the right."""
    slope = np.tan(np.radians(degrees))
    by = slope * len(ink)
    matrix = np.array([[1, -slope, by], [0, 1, 0]])
    return cv2.warpAffine(ink, matrix, (ink.shape[1] + int(np.ceil(by)), len(ink)), flags=cv2.INTER_LINEAR)


def row(signs: list[np.ndarray], gap: float, foot: bool = False) -> np.ndarray:
    """Return signs next to each other, with a gap in pixels between their boxes, on one middle or one foot."""
    height = max(map(len, signs))
    padded = []
    for place, sign in enumerate(signs):
        above = (height - len(sign)) // (1 if foot else 2)
        padded.append(
            np.pad(sign, ((above, height - len(sign) - above), (0, 0 if place == len(signs) - 1 else round(gap))))
        )
    return np.hstack(padded)


def kerned(signs: list[np.ndarray], gap: float) -> np.ndarray:
    """Return signs next to each other, with a gap in pixels where they are nearest to each other."""
    height = max(map(len, signs))
    found = np.zeros((height, 0), np.float32)
    for sign in signs:
        above = (height - len(sign)) // 2
        sign = np.pad(sign, ((above, height - len(sign) - above), (0, 0)))
        ends = np.where(found > 0.3, np.arange(found.shape[1]) + 1, 0).max(axis=1, initial=0)
        starts = np.where((sign > 0.3).any(axis=1), (sign > 0.3).argmax(axis=1), sign.shape[1])
        ends, starts = (
            op(np.asarray(one, np.float32)[:, None], np.ones((2 * STROKE_PX + 1, 1))).ravel()
            for op, one in ((cv2.dilate, ends), (cv2.erode, starts))
        )
        left = max(0, int((ends - starts).max() + gap)) if found.shape[1] else 0
        canvas = np.zeros((height, max(found.shape[1], left + sign.shape[1])), np.float32)
        canvas[:, : found.shape[1]] = found
        canvas[:, left : left + sign.shape[1]] = np.maximum(canvas[:, left : left + sign.shape[1]], sign)
        found = canvas
    return found


def page(ink: np.ndarray) -> np.ndarray:
    """Return ink as a drawing on a screen, uint8 (h, w)."""
    return 255 - np.pad((255 * ink.clip(0, 1)).astype(np.uint8), MARGIN_PX)


def mark(kind: str) -> np.ndarray:
    """Return the ink of a mark at the foot of a line, with the paper between it and the foot."""
    width = STROKE_PX
    canvas = np.zeros((40, 24), np.uint8) if kind != "-" else np.zeros((50, 36), np.uint8)
    if kind == ",":
        cv2.line(canvas, (15, 8), (8, 32), 255, width, cv2.LINE_AA)
    elif kind == ".":
        cv2.circle(canvas, (12, 24), 7, 255, -1, cv2.LINE_AA)
    else:
        cv2.line(canvas, (6, 10), (30, 10), 255, width, cv2.LINE_AA)
    return canvas.astype(np.float32) / 255


def rows(pool: list[np.ndarray], degrees: float, gap: float, is_kerned: bool, r: np.random.Generator) -> Sheet:
    """Return a row of two or three digits."""
    signs = [pool[int(place)] for place in r.integers(0, len(pool), r.integers(2, 4))]
    if is_kerned:
        return page(kerned([shear(sign, degrees) for sign in signs], gap * STROKE_PX)), ["d" * len(signs)]
    return page(shear(row(signs, gap * STROKE_PX), degrees)), ["d" * len(signs)]


def with_mark(pool: list[np.ndarray], degrees: float, kind: str, r: np.random.Generator) -> Sheet:
    """Return two digits with a mark between them."""
    first, second = (pool[int(place)] for place in r.integers(0, len(pool), 2))
    sign = mark(kind)
    # A comma starts above the foot and hangs below it; a point stands on it.
    by = {",": 20, ".": 0, "-": 0}[kind]
    first, second = (np.pad(one, ((0, by), (0, 0))) for one in (first, second))
    if kind == "-":
        sign = np.pad(sign[4:17], ((0, max(len(first), len(second)) // 2 - 6), (0, 0)))
    return page(shear(row([first, sign, second], STROKE_PX, foot=True), degrees)), [f"d{kind}d"]


def broken(pool: list[np.ndarray], count: int, degrees: float, r: np.random.Generator) -> Sheet:
    """Return digits, two strokes' width apart, with a gap of a stroke's width in a stroke of each."""
    signs = []
    for _ in range(count):
        sign = pool[int(r.integers(0, len(pool)))].copy()
        y, x = np.nonzero(sign > 0.9 * sign.max())
        place = int(r.integers(0, len(x)))
        cv2.circle(sign, (int(x[place]), int(y[place])), round(0.75 * STROKE_PX), 0, -1)
        signs.append(sign)
    return page(shear(row(signs, 2 * STROKE_PX), degrees)), ["d" * count]


def two_lines(pool: list[np.ndarray], degrees: float, r: np.random.Generator) -> Sheet:
    """Return two lines of two to four digits each, the sheet turned by an angle."""
    lines = [[pool[int(place)] for place in r.integers(0, len(pool), r.integers(2, 5))] for _ in range(2)]
    inks = [row(signs, r.uniform(1, 4) * STROKE_PX) for signs in lines]
    width, gap = max(ink.shape[1] for ink in inks), round(r.uniform(0.3, 1) * 20 * SCALE)
    sheet = page(np.vstack([np.pad(ink, ((0, gap), (0, width - ink.shape[1]))) for ink in inks]))
    side = round(np.hypot(*sheet.shape))
    turn = cv2.getRotationMatrix2D((sheet.shape[1] / 2, sheet.shape[0] / 2), degrees, 1)
    turn[:, 2] += (side - sheet.shape[1]) / 2, (side - sheet.shape[0]) / 2
    return cv2.warpAffine(sheet, turn, (side, side), borderValue=255), ["d" * len(signs) for signs in lines]


def read(sheet: np.ndarray) -> list[str]:
    """Return the signs of each line, as in `Sheet`."""
    lines: list[str] = []
    for sign in read_sheet(sheet, SHAPE).signs:
        while len(lines) <= sign.line:
            lines.append("")
        lines[sign.line] += sign.mark or "d"
    return lines


def main() -> None:
    """Measure each kind of sheet and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="MNIST, in a Hub repo's layout")
    parser.add_argument("--drawings", type=Path, help="folder of datasets of single drawings")
    parser.add_argument("--sheets", type=int, default=500, help="of each kind (default: 500)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    pool = digits(str(options.data), POOL)
    lines = ["| sheets | right |", "|---|---:|"]

    def measure(name: str, make: Callable[[np.random.Generator], Sheet]) -> None:
        right = [
            read(sheet) == expected
            for sheet, expected in (make(np.random.default_rng(n)) for n in range(options.sheets))
        ]
        lines.append(f"| {name} | {100 * np.mean(right):.1f} |")
        print(lines[-1], flush=True)

    for is_kerned in (False, True):
        for gap in GAPS:
            for degrees in DEGREES:
                name = f"{'kerned row' if is_kerned else 'row'}, gap {gap:g}, {degrees}°"
                measure(name, partial(rows, pool, degrees, gap, is_kerned))
    for count in (1, 2):
        for degrees in DEGREES[::2]:
            name = f"{count} digits with broken strokes, {degrees}°"
            measure(name, partial(broken, pool, count, degrees))
    for kind in ",.-":
        for degrees in (0, 25):
            measure(f"two digits with `{kind}`, {degrees}°", partial(with_mark, pool, degrees, kind))
    for degrees in (0, 5, -8):
        measure(f"two lines, turned by {degrees}°", partial(two_lines, pool, degrees))
    ones = [str(options.data), *(str(one) for one in sorted(options.drawings.iterdir()))] if options.drawings else []
    for dataset in ones:
        right = [read(page(ink)) == ["d"] for ink in _inks(dataset, 10 * options.sheets)]
        lines.append(f"| single drawings of `{Path(dataset).name}` ({len(right):,}) | {100 * np.mean(right):.2f} |")
        print(lines[-1], flush=True)
    line = about("benchmarks.rows", None, *named({"data": options.data, "drawings": options.drawings}, None))
    report("Several signs on one sheet", "\n".join([*lines, "", "In percent. " + line]), options.write)


if __name__ == "__main__":
    main()
