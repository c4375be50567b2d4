"""Ink on photographed paper: uneven light, shadows, a sheet's edge and specks are told from strokes."""

import cv2
import numpy as np

from model.preprocess.pixels import resize_by

LONGEST = 560  # side that photographs are brought to: strokes are still several pixels wide
SHORTEST = 64  # side that photographs are brought to at least, where the longer one allows: sharpness is of pixels
WINDOW = 1 / 4  # of the side: wider than any stroke, narrower than the light's own changes
FULL_INK = 0.998  # quantile that counts as full ink: a fine pen's small digit still covers the rest
FAINTEST_SHARE = 0.06  # ink takes at least this share of the light
PAPER, INK = 0.4, 0.8  # of full ink: below the first is paper, above the second is ink
BOARD = 110  # grey below which more than half of a picture may be a blackboard
STANDING_OUT = 0.997  # quantile that tells whether strokes stand out
EDGE, SHARP, SHARP_PART = 9, 0.4, 0.1  # within so many pixels ink rises by so much, in this share of a piece at least
SPECK_OF_PIECE = 0.04  # of the largest piece of ink: smaller pieces are dirt
GRAIN = 0.1  # of all that is dark: where even the largest piece is less, there is nothing but the paper's grain


def extract_strokes_from_photo(grey: np.ndarray) -> np.ndarray:
    """Return how much of each pixel of a photograph is ink.

    The paper is what is left when strokes are closed over by a window wider than they are (a grey-scale
    morphological closing, Serra 1982); ink is what reflects less light than the paper at the same place.

    Args:
        grey: float32 (h, w), 0 … 255.

    Returns:
        float32 (h, w), 0 for paper, 1 for ink, at most `LONGEST` pixels at the longer side, else at least `SHORTEST`
        at the shorter one, else the picture's own size; 0 everywhere when nothing is drawn.
    """
    scale = min(LONGEST / max(grey.shape), max(1, SHORTEST / min(grey.shape)))
    if scale != 1:
        grey = resize_by(grey, scale, enlarge_with=cv2.INTER_CUBIC)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.8)
    if np.median(grey) < BOARD and _is_light_on_dark(grey):
        grey = 255 - grey
    ink = _without_grain(np.clip(1 - grey / np.maximum(_paper(grey), 1), 0, 1))
    full = float(np.quantile(ink, FULL_INK))
    if full < FAINTEST_SHARE:
        return np.zeros_like(ink)
    ink /= full
    return np.clip((ink - PAPER) / (INK - PAPER), 0, 1) * _drawing(ink > PAPER, _is_sharp(ink))


def _paper(grey: np.ndarray) -> np.ndarray:
    """Return the light that the paper would reflect without ink, (h, w)."""
    side = max(3, round(max(grey.shape) * WINDOW) | 1)
    # Beyond the border the light goes on as it came: a plain mirror would make ink of a dark corner.
    margin = min(side, min(grey.shape) - 1)
    padded = np.pad(grey, margin, mode="reflect", reflect_type="odd")
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return closed[margin : margin + grey.shape[0], margin : margin + grey.shape[1]]


def _without_grain(ink: np.ndarray) -> np.ndarray:
    """Take off what most of the neighbourhood has: the grain's height below its own upper edge, a shadow's core."""
    size = max(1, ink.shape[1] // 4), max(1, ink.shape[0] // 4)
    small = np.round(cv2.resize(ink, size, interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)
    most = cv2.medianBlur(small, round(max(small.shape) * 2 * WINDOW) | 1).astype(np.float32) / 255
    # Within a brush's strokes most is ink, and more than grain ever is.
    most[most > max(PAPER * np.quantile(ink, FULL_INK), 2 * FAINTEST_SHARE)] = 0
    return np.maximum(ink - cv2.resize(most, ink.shape[::-1], interpolation=cv2.INTER_LINEAR), 0)


def _is_light_on_dark(grey: np.ndarray) -> bool:
    """Return whether strokes are lighter than what surrounds them.

    All of a stroke's outline is sharp; of a gap between strokes only what it shares with them.
    """
    side = max(3, round(max(grey.shape) * WINDOW) | 1)
    kinds = cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT
    hats = [cv2.morphologyEx(grey, kind, np.ones((side, side), np.uint8)) for kind in kinds]
    fulls = [max(1.0, float(np.quantile(hat, STANDING_OUT))) for hat in hats]
    sharp = _is_sharp(grey / min(fulls))
    darker, lighter = (
        (_outline(_drawing(hat > full / 2, sharp)) & sharp).sum() for hat, full in zip(hats, fulls, strict=True)
    )
    return bool(lighter > darker)


def _outline(mask: np.ndarray) -> np.ndarray:
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0


def _is_sharp(ink: np.ndarray) -> np.ndarray:
    """Return where ink, 1 being full, rises steeply; smoothed, so that the paper's grain has no edges of its own."""
    window = np.ones((EDGE, EDGE), np.uint8)
    return cv2.morphologyEx(cv2.GaussianBlur(ink, (0, 0), 2), cv2.MORPH_GRADIENT, window) > SHARP


def _drawing(drawn: np.ndarray, sharp: np.ndarray) -> np.ndarray:
    """Return which pixels belong to a drawing's pieces, bool (h, w): no shadows, no specks, nothing from outside."""
    number, pieces, numbers, _ = cv2.connectedComponentsWithStats(drawn.astype(np.uint8))
    areas = numbers[:, cv2.CC_STAT_AREA].astype(float)
    areas[0] = 0  # the paper
    areas[np.bincount(pieces[sharp], minlength=number) < SHARP_PART * areas] = 0  # a shadow
    edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    # What reaches the picture's border is a sheet's edge or a shadow, unless it is all there is.
    inside = np.setdiff1d(np.arange(1, number), edge)
    if len(inside) and areas[inside].max() >= 0.001 * drawn.size:
        areas[edge] = 0
    if areas.max() < GRAIN * areas.sum():
        return np.zeros_like(drawn)
    return (areas >= SPECK_OF_PIECE * areas.max())[pieces] & drawn
