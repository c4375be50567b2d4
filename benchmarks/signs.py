"""Drawings of signs that are not digits: letters, shapes, icons, words. No training sees any of them.

Each sign is a list of strokes on a grid, which a random hand draws: tilted, slanted, stretched, every point moved a
little, with pens of several widths. Signs that are drawn like a digit are left out, such as O, I, l, S, Z, B, D, G, Y,
b, q, g, z; so is a circle.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from training.outliers.strokes import curve

PAGE_PX = 280
# A stroke is a list of places: column and row, 0 to 9. `~` makes it smooth, `o` a closed smooth one.
CAPITALS = {
    "A": "09 40 89, 15 75",
    "C": "~72 50 21 04 28 59 77",
    "E": "70 00 09 79, 04 54",
    "F": "70 00 09, 04 54",
    "H": "00 09, 70 79, 04 74",
    "J": "20 80, ~60 67 39 07",
    "K": "00 09, 70 04 79",
    "L": "00 09 69",
    "M": "09 00 45 80 89",
    "N": "09 00 79 70",
    "P": "09 00, ~00 50 72 54 04",
    "R": "09 00, ~00 50 72 54 04, 34 79",
    "T": "00 80, 40 49",
    "U": "~00 06 39 66 60",
    "V": "00 49 80",
    "W": "00 29 43 69 80",
    "X": "00 79, 70 09",
}
SMALL = {
    "a": "o63 33 06 39 66, ~60 66 79",
    "d": "o65 34 07 39 67, 60 69",
    "e": "~05 65 42 13 05 28 68",
    "f": "~70 40 33 39, 04 64",
    "h": "00 09, ~06 34 66 69",
    "j": "~43 48 29 09, 40 41",
    "k": "00 09, 53 06 59",
    "m": "03 09, ~05 23 45 49, ~45 63 85 89",
    "n": "03 09, ~05 33 65 69",
    "p": "03 09, ~03 43 65 47 07",
    "r": "03 09, ~05 33 54",
    "t": "30 37 59, 03 63",
    "u": "~03 07 39 67, 63 69",
    "w": "~03 18 35 58 73",
    "x": "03 69, 63 09",
}
FORMULAS = {
    "+": "40 49, 04 94",
    "=": "03 83, 06 86",
    "#": "20 29, 60 69, 03 83, 06 86",
    "pi": "~02 10 80 91, 20 29, ~60 67 89",
    "sigma": "80 00 54 09 89",
    "omega": "~09 29 05 30 60 95 69 99",
    "delta": "09 40 89 09",
    "root": "05 15 39 50 90",
    "therefore": "40 41, 07 08, 87 88",
    "not equal": "03 83, 06 86, 70 19",
    "at": "o53 35 46 65, ~63 67 85 71 30 03 07 39 79",
    "asterisk": "40 48, 02 86, 82 06",
    "percent": "80 09, o10 02 13 22, o76 67 79 88",
    "euro": "~82 40 15 49 87, 04 54, 06 56",
    "infinity": "o44 20 04 28 44 70 94 78",
}
SHAPES = {
    "heart": "~49 05 02 10 30 43, ~49 85 82 70 50 43",
    "star": "40 63 93 75 88 46 08 25 03 33 40",
    "diamond": "40 85 49 05 40",
    "triangle": "40 89 09 40",
    "square": "00 80 88 08 00",
    "arrow": "04 94, 61 94 67",
    "broad arrow": "03 53 50 95 59 57 07 03",
    "house": "09 04 40 84 89 09, 39 36 56 59",
    "cross": "30 60 63 93 66 69 39 36 03 33 30",
    "hexagon": "20 60 84 68 28 04 20",
    "moon": "~50 21 05 28 59, ~50 42 35 47 59",
    "bolt": "50 15 35 19 74 44 70 50",
    "trapezoid": "20 60 97 07 20",
    "tick": "05 29 90",
    "spiral": "~45 54 56 37 24 42 74 77 48 08 03 30 80",
}
ICONS = {
    "face": "o40 11 04 17 48 77 84 71, 23 24, 63 64, ~25 46 65",
    "tree": "49 46, o40 12 04 16 46 76 84 72",
    "fir": "40 13 33 06 86 53 73 40, 46 49",
    "fish": "~92 61 24 05 26 69 98, 92 98",
    "cup": "00 08 68 60 00, ~62 83 85 66",
    "note": "o17 08 19 38, 38 30 61",
    "flower": "o44 30 50, o44 80 82, o44 86 67, o44 28 06, o44 03 01, 45 49",
    "boat": "06 28 68 96 06, 46 40 74 44",
    "sun": "o44 33 54 65 46, 40 41, 48 49, 04 14, 84 94, 11 22, 77 66, 71 62, 17 26",
    "flag": "09 00 82 04",
    "cloud": "~08 05 24 32 61 73 85 98 08",
    "umbrella": "~05 11 40 71 85 05, ~45 48 59 68",
    "key": "o00 02 13 32 20, 22 88, 77 86, 66 75",
    "letter": "02 92 98 08 02, 02 46 92",
    "person": "o30 21 32 51, 42 46, 03 83, 46 09, 46 89",
    "cat": "o43 14 06 28 68 86 74, 15 00 33, 53 80 75",
}
WORDS = ("CAT", "NAME", "the", "sun", "mathe", "rain", "NEXT", "HAUT", "word", "paper", "train", "MAX", "tree", "hand")
LETTERS = CAPITALS | SMALL | {"s": "~62 32 14 45 66 48 08", "o": "o33 05 17 39 67 65", "i": "33 39, 30 31"}
SIGNS = {
    "capital letters": CAPITALS,
    "small letters": SMALL,
    "signs of formulas": FORMULAS,
    "shapes": SHAPES,
    "icons": ICONS,
}


def draw_signs(kind: str, count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield drawings of one kind, uint8 (280, 280), dark on light, each sign in turn.

    Args:
        kind: a key of `SIGNS`.
        count: how many drawings.
        seed: equal seeds give equal drawings.
    """
    signs = list(SIGNS[kind].values())
    for position in range(count):
        r = np.random.default_rng((seed, position))
        yield _draw(_strokes(signs[position % len(signs)], r), r)


def draw_words(count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield drawings of words, uint8 (280, 280), dark on light."""
    for position in range(count):
        r = np.random.default_rng((seed, position))
        strokes, x = [], 0.0
        for letter in WORDS[position % len(WORDS)]:
            of_letter = _strokes(LETTERS[letter], r)
            strokes += [one + np.array([x, r.normal(0, 0.4)]) for one in of_letter]
            x += max(one[:, 0].max() for one in of_letter) + r.uniform(1, 3)
        yield _draw(strokes, r)


def _strokes(sign: str, r: np.random.Generator) -> list[np.ndarray]:
    """Return the strokes of a sign, every point of which a hand has moved a little."""
    strokes = []
    for text in sign.split(", "):
        form = text[0] if text[0] in "~o" else ""
        places = text[len(form) :].split()
        points = np.array([[int(place[0]), int(place[1])] for place in places]) + r.normal(0, 0.25, (len(places), 2))
        if places[0] == places[-1]:
            points[-1] = points[0]
        strokes.append(curve(points, form == "o") if form else points)
    return strokes


def _draw(strokes: list[np.ndarray], r: np.random.Generator) -> np.ndarray:
    tilt, slant, stretch = r.normal(0, 0.08), r.normal(0, 0.12), np.exp(r.normal(0, 0.12))
    change = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]) @ ((stretch, 0), (slant, 1))
    moved = [one @ change for one in strokes]
    points = np.concatenate(moved)
    low, side = points.min(axis=0), np.ptp(points, axis=0).max()
    scale = PAGE_PX * r.uniform(0.4, 0.8) / side
    place = (PAGE_PX - np.ptp(points, axis=0) * scale) * r.uniform(0.3, 0.7, 2)
    page, pen = np.full((PAGE_PX, PAGE_PX), 255, np.uint8), int(r.integers(6, 21))
    for one in moved:
        cv2.polylines(page, [np.round((one - low) * scale + place).astype(np.int32)], False, 0, pen, cv2.LINE_AA)
    return page
