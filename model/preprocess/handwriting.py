"""What speaks against handwriting in a photograph: an image of something else has dark pieces, too."""

import cv2
import numpy as np

from model.preprocess.foreground import MIN_INK_SHARE
from model.preprocess.photo import keep_strokes, measure_absorption

# More doubts than that are no handwriting; a network that refuses most signs is one more. This and what follows was
# chosen on crops of photographs and on drawings that `benchmarks/photographs.py` photographs.
MAX_DOUBTS = 1
AROUND_PX = 9  # side of the window in which ink is widened, in a photo of at most 560 pixels
GRAIN_PX = 1.5  # standard deviation of the filter that removes the grain of paper and camera
MIN_EDGE = 0.1  # contrast of an edge, of full ink's
SOME_EDGES, MANY_EDGES = 0.008, 0.0125  # share of all pixels with an edge outside of the ink: one doubt, and two
MIN_DARK, MAX_DARK = 0.25, 0.015  # of full ink; share of all pixels that are as dark outside of the ink
MAX_WIDTH_SPREAD = 0.35  # standard deviation of the strokes' widths, by their mean


def count_doubts(gray: np.ndarray) -> int:
    """Return how many facts speak against handwriting in a photograph, 0 to 4.

    Paper has few edges and dark areas besides the ink, and a pen draws strokes of about the same width.

    Args:
        gray: float32 (h, w), 0 … 255, with ink.
    """
    absorption = measure_absorption(gray)
    drawn = (keep_strokes(absorption) > MIN_INK_SHARE).astype(np.uint8)
    outside = cv2.dilate(drawn, np.ones((AROUND_PX, AROUND_PX), np.uint8)) == 0
    smooth = cv2.GaussianBlur(absorption, (0, 0), GRAIN_PX)
    edges = (cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > MIN_EDGE) & outside
    dark = (smooth > MIN_DARK) & outside
    facts = edges.mean() > SOME_EDGES, edges.mean() > MANY_EDGES, dark.mean() > MAX_DARK
    return sum(map(bool, facts)) + (_width_spread(drawn) > MAX_WIDTH_SPREAD)


def _width_spread(drawn: np.ndarray) -> float:
    """Return by how much the widths along the middle lines of strokes vary, by their mean."""
    distance = cv2.distanceTransform(np.pad(drawn, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    widths = distance[(distance > 1) & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)))]
    return float(widths.std() / widths.mean()) if widths.size else 0.0
