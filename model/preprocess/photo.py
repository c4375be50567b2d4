"""Find the ink on photographed paper, despite uneven light, shadows, the edge of the sheet and specks."""

import cv2
import numpy as np

from model.preprocess.pixels import resize_by

MAX_SIDE_PX = 560  # longer side that photographs are reduced to: strokes are still several pixels wide
MIN_SIDE_PX = 64  # shorter side that they are enlarged to, if the longer one allows: sharpness is measured in pixels
WINDOW_SHARE = 1 / 4  # of the side: wider than any stroke, narrower than changes of the light
FULL_INK_QUANTILE = 0.998  # counts as full ink: a small digit by a fine pen still covers the rest
MIN_ABSORPTION = 0.06  # ink absorbs at least this share of the light
MAX_PAPER, MIN_INK = 0.4, 0.8  # of full ink: paper lies below the first, ink above the second
MIN_PAPER_SHARE = 0.08  # of the brightest paper's light: what gets less of it is as dark as ink
MAX_BOARD_GRAY = 110  # an image whose median is below may show a blackboard
STROKE_QUANTILE = 0.997  # of the difference from the surroundings: the height of strokes
EDGE_PX, MIN_RISE, MIN_SHARP_SHARE = 9, 0.4, 0.1  # ink rises by so much within so many pixels, in this share of a piece
MIN_PIECE_SHARE = 0.04  # of the largest piece of ink: smaller pieces are dirt
MIN_LARGEST_SHARE = 0.1  # of all dark pixels: if even the largest piece has less, it is all grain of the paper


def extract_strokes_from_photo(gray: np.ndarray) -> np.ndarray:
    """Return how much of each pixel of a photograph is ink.

    The paper is estimated by a gray-scale morphological closing (Serra 1982) with a window wider than any stroke; ink
    reflects less light than the paper at the same place.

    Args:
        gray: float32 (h, w), 0 … 255.

    Returns:
        float32 (h, w), 0 for paper, 1 for ink; 0 everywhere if nothing is drawn. Large photographs are reduced to
        `MAX_SIDE_PX` on the longer side, small ones enlarged to `MIN_SIDE_PX` on the shorter one.
    """
    return keep_strokes(measure_absorption(gray))


def measure_absorption(gray: np.ndarray) -> np.ndarray:
    """Return how much light is absorbed at each pixel of a photograph, 1 for as much as by full ink.

    Arguments and size are those of `extract_strokes_from_photo`; float32, 0 everywhere if nothing absorbs enough.
    """
    scale = min(MAX_SIDE_PX / max(gray.shape), max(1, MIN_SIDE_PX / min(gray.shape)))
    if scale != 1:
        gray = resize_by(gray, scale, enlarge_with=cv2.INTER_CUBIC)
    gray = cv2.GaussianBlur(gray, (0, 0), 0.8)
    if np.median(gray) < MAX_BOARD_GRAY and _is_light_on_dark(gray):
        gray = 255 - gray
    paper = _estimate_paper(gray)
    ink = np.where(paper < MIN_PAPER_SHARE * paper.max(), 0, np.clip(1 - gray / np.maximum(paper, 1), 0, 1))
    ink = _remove_grain(ink)
    full = float(np.quantile(ink, FULL_INK_QUANTILE))
    return ink / full if full >= MIN_ABSORPTION else np.zeros_like(ink)


def keep_strokes(absorption: np.ndarray) -> np.ndarray:
    """Return how much of each pixel is ink, 0 … 1, from the result of `measure_absorption`."""
    return np.clip((absorption - MAX_PAPER) / (MIN_INK - MAX_PAPER), 0, 1) * _keep_strokes(
        absorption > MAX_PAPER, _find_sharp_edges(absorption)
    )


def _estimate_paper(gray: np.ndarray) -> np.ndarray:
    """Return the light that the paper would reflect without ink, (h, w)."""
    side = max(3, round(max(gray.shape) * WINDOW_SHARE) | 1)
    # Beyond the border the light continues its trend: a plain mirror would turn a dark corner into ink.
    margin = min(side, min(gray.shape) - 1)
    padded = np.pad(gray, margin, mode="reflect", reflect_type="odd")
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return closed[margin : margin + gray.shape[0], margin : margin + gray.shape[1]]


def _remove_grain(ink: np.ndarray) -> np.ndarray:
    """Subtract what most of the neighborhood has: the mean height of the paper's grain, the core of a shadow."""
    size = max(1, ink.shape[1] // 4), max(1, ink.shape[0] // 4)
    small = np.round(cv2.resize(ink, size, interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)
    typical = cv2.medianBlur(small, round(max(small.shape) * 2 * WINDOW_SHARE) | 1).astype(np.float32) / 255
    # Inside the strokes of a brush most of the neighborhood is ink, which is always more than grain.
    typical[typical > max(MAX_PAPER * np.quantile(ink, FULL_INK_QUANTILE), 2 * MIN_ABSORPTION)] = 0
    return np.maximum(ink - cv2.resize(typical, ink.shape[::-1], interpolation=cv2.INTER_LINEAR), 0)


def _is_light_on_dark(gray: np.ndarray) -> bool:
    """Return whether strokes are lighter than their surroundings.

    The whole outline of a stroke is sharp; of a gap between strokes, only the part that it shares with them.
    """
    side = max(3, round(max(gray.shape) * WINDOW_SHARE) | 1)
    kinds = cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT
    hats = [cv2.morphologyEx(gray, kind, np.ones((side, side), np.uint8)) for kind in kinds]
    fulls = [max(1.0, float(np.quantile(hat, STROKE_QUANTILE))) for hat in hats]
    sharp = _find_sharp_edges(gray / min(fulls))
    darker, lighter = (
        (_outline(_keep_strokes(hat > full / 2, sharp)) & sharp).sum() for hat, full in zip(hats, fulls, strict=True)
    )
    return bool(lighter > darker)


def _outline(mask: np.ndarray) -> np.ndarray:
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0


def _find_sharp_edges(ink: np.ndarray) -> np.ndarray:
    """Return where ink, 1 for full ink, rises steeply; smoothed, so that the paper's grain has no edges."""
    window = np.ones((EDGE_PX, EDGE_PX), np.uint8)
    return cv2.morphologyEx(cv2.GaussianBlur(ink, (0, 0), 2), cv2.MORPH_GRADIENT, window) > MIN_RISE


def _keep_strokes(drawn: np.ndarray, sharp: np.ndarray) -> np.ndarray:
    """Return which pixels belong to a drawing, bool (h, w): no shadows, no specks, nothing from outside."""
    number, pieces, numbers, _ = cv2.connectedComponentsWithStats(drawn.astype(np.uint8))
    areas = numbers[:, cv2.CC_STAT_AREA].astype(float)
    areas[0] = 0  # the paper
    areas[np.bincount(pieces[sharp], minlength=number) < MIN_SHARP_SHARE * areas] = 0  # a shadow
    edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    # A piece at the border of the image is the edge of the sheet or a shadow, unless there is nothing else.
    inside = np.setdiff1d(np.arange(1, number), edge)
    if len(inside) and areas[inside].max() >= 0.001 * drawn.size:
        areas[edge] = 0
    if areas.max() < MIN_LARGEST_SHARE * areas.sum():
        return np.zeros_like(drawn)
    return (areas >= MIN_PIECE_SHARE * areas.max())[pieces] & drawn
