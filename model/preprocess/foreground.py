"""Which of a picture's pixels are ink: of a drawing on a screen, a scan, or a photograph of paper (`photo`)."""

import math

import cv2
import numpy as np

from model.preprocess.photo import extract_strokes_from_photo
from model.preprocess.pixels import composite_over

FAINTEST_LEVELS = 16  # by which ink must differ from paper to count as drawn
MIN_INK_SHARE = 0.3  # of the strongest ink, at least
BAND = 0.05  # of the side: a frame lies within so much of the border
LINED = 0.8  # of each side, at least, is covered by a frame, of a line by a bar
MAX_COUNTED_SIDE_PX = 1000  # pixels of the longer side of what is counted in pieces
# So many of a digital drawing's pixels, at least, are exactly of its paper's grey or its ink's. Light on real paper
# spreads greys, but where a camera clips it: of photographs by benchmarks/photographs.py one in sixty has as many, and
# of overexposed ones most have. What tells those is the rest of their paper, which varies.
EVEN = 0.2
OWN, AROUND = 0.25, 8  # a grey of its own has at least this share of the pixels whose greys are within so many levels
SHADED = 0.07  # of the pixels, at least, are paper of no grey of its own where light falls on it
GRAINY = 0.5  # levels by which a camera's pixels differ from their neighbours, on average; not those of a drawing
SAMPLED = 100  # pixels of the shorter side, at least, that greys are counted of: all would take longer than the rest
RULED = 0.02  # of the pixels, at least, have the one faint grey of lines that a digital sheet is ruled with
SPECK_OF_PICTURE = 0.002  # of its pixels: a piece that is smaller does not tell ink from paper
DUST = 0.001  # of the largest piece of a drawing that is even: what is smaller was not drawn
NOTE, AWAY = 0.15, 0.15  # of the longest piece's side: signs of a caption are smaller, and so far from the drawing
SMALLEST_PHOTOGRAPH = 36  # pixels of its shorter side; smaller pictures are scans
SMALLEST_SHEET = 64  # pixels of its shorter side: on less, soft strokes spread greys, and lines are no ruling


class BlankDrawingError(ValueError):
    """A drawing without a stroke."""


def extract_strokes(pixels: np.ndarray) -> np.ndarray:
    """Return how much of each pixel is ink.

    Args:
        pixels: uint8 or uint16 (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), as `decode.to_array` returns them.

    Returns:
        float32 (h, w) of what is drawn without the paper around it: 0 for paper, 1 for the darkest (or lightest)
        stroke.

    Raises:
        BlankDrawingError: when nothing is drawn.
    """
    if pixels.dtype == np.uint16:  # of which a camera or a scanner may fill 10 bits or 12
        pixels = (pixels >> max(0, int(pixels.max()).bit_length() - 8)).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _on_paper(pixels)
    grey = _telling_channel(pixels)
    paper_grey, is_even, faint = _paper_of(grey)
    if is_even and (inner := _without_bars(grey)).size < grey.size:
        grey = inner
        paper_grey, _, faint = _paper_of(grey)
    if is_even:
        ink = cv2.absdiff(grey, np.full_like(grey, paper_grey))
        if faint:
            ink[ink <= faint] = 0
    else:
        ink = 255 * extract_strokes_from_photo(grey.astype(np.float32))
    strongest = np.float32(ink.max())
    if strongest < FAINTEST_LEVELS:
        raise BlankDrawingError("nothing is drawn")
    if is_even:
        ink = _without_notes(ink)
    return _without_frame(crop(ink) / strongest)


def crop(ink: np.ndarray) -> np.ndarray:
    """Cut ink, (h, w) with at least one pixel drawn, out of the paper around it."""
    x, y, width, height = cv2.boundingRect(_drawn(ink))
    return ink[y : y + height, x : x + width]


def _drawn(ink: np.ndarray) -> np.ndarray:
    """Return as uint8 (h, w) which pixels count as drawn, for averaging may have thinned all of the ink out."""
    least = MIN_INK_SHARE * ink.max()
    if ink.dtype == np.uint8:
        least = int(least)  # the same, but NumPy takes eight times as long to compare whole numbers with others
    return (ink > least).view(np.uint8)


def _on_paper(rgba: np.ndarray) -> np.ndarray:
    """Lay a picture with transparency on what makes it visible: black for light strokes on nothing, else white."""
    alpha = cv2.extractChannel(rgba, 3)
    if alpha.min() == 255:
        return cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    # Most of a canvas is empty: what is transparent around a drawing is cut off, but for a margin.
    left, top, width, height = cv2.boundingRect(alpha)
    rows, columns = slice(max(0, top - 2), top + height + 2), slice(max(0, left - 2), left + width + 2)
    alpha, on_black = alpha[rows, columns], composite_over(0, rgba[rows, columns])
    # On black every colour weighs as much as is seen of it: colours under full transparency are arbitrary.
    is_light = cv2.cvtColor(on_black, cv2.COLOR_RGB2GRAY).mean() > alpha.mean() / 2
    return on_black if is_light else cv2.add(on_black, cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB))


def _telling_channel(pixels: np.ndarray) -> np.ndarray:
    """Return a picture, uint8, as (h, w): its grey, or the colour that tells ink from paper where grey does not."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return pixels.reshape(pixels.shape[:2])
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if _spread(grey) > 127:
        return grey
    best = max(cv2.split(pixels), key=_spread)
    return grey if _spread(grey) >= _spread(best) / 2 else best


def _spread(channel: np.ndarray) -> int:
    return int(channel.max()) - int(channel.min())


def _sampled(grey: np.ndarray) -> tuple[np.ndarray, int]:
    """Return some of a picture's pixels, and the grey from which on they are light."""
    step = max(1, min(grey.shape) // SAMPLED)
    sample = np.ascontiguousarray(grey[::step, ::step])
    threshold, _ = cv2.threshold(sample, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return sample, int(threshold) + 1


def _paper_of(grey: np.ndarray) -> tuple[int, bool, int]:
    """Return the grey of a picture's paper, uint8 (h, w), whether it is even, and by how much lines on it differ.

    Even is what is drawn on a screen; lines are those of squared or ruled sheets, 0 where there are none.

    Paper is the lighter or the darker of two, whichever surrounds the other: it has the border and the corners. Where a
    drawing was cut out closely it may have neither, but most of the picture; so the three shares are added up.
    """
    sample, split = _sampled(grey)
    counts = np.bincount(sample.ravel(), minlength=256)
    dark, light = int(counts[:split].argmax()), split + int(counts[split:].argmax())

    by = int(BAND * min(grey.shape))
    edge, further_in = ((_edge(one) >= split).mean() for one in (grey, grey[by:-by, by:-by] if by else grey))
    share = counts[split:].sum() / sample.size
    votes = share + edge + (grey[[0, 0, -1, -1], [0, -1, 0, -1]] >= split).mean()
    if abs(edge - further_in) > LINED:  # a frame
        votes = 3 * share
    elif 0.75 < votes < 2.25:  # cut out closely: ink holds together, what is left of the paper does not
        step = 1 + math.isqrt(grey.size) // MAX_COUNTED_SIDE_PX
        votes += 3 * np.sign(_pieces(grey[::step, ::step] >= split) - _pieces(grey[::step, ::step] < split))
    paper_grey = light if votes > 1.5 else dark

    smallest = min(grey.shape)
    is_page = max(grey.shape) <= 1.5 * smallest  # longer ones are strokes that were cut out closely
    is_spread = counts[dark] + counts[light] < EVEN * sample.size and (smallest >= SMALLEST_SHEET or is_page)
    is_even = smallest < SMALLEST_PHOTOGRAPH or not (is_spread or _is_shaded(sample, counts, dark, light))
    apart = np.abs(np.arange(256) - paper_grey)
    ruled = apart[(counts >= RULED * sample.size) & (apart < (light - dark) / 2)]
    return paper_grey, bool(is_even), 0 if smallest < SMALLEST_SHEET else int(ruled.max(initial=0))


def _is_shaded(sample: np.ndarray, counts: np.ndarray, dark: int, light: int) -> bool:
    """Return whether light falls on the paper: parts of it vary smoothly, in greys of all kinds, nearer to it than ink.

    A digital drawing may have several papers, such as panels, but each has one grey. What strokes are closed over by
    tells their own soft greys from the paper's. Shade may have the border, so the paper is what has most of one grey.
    """
    is_light = counts[light] >= counts[dark]
    paper_grey = light if is_light else dark
    farthest = max(abs(int(sample.min()) - paper_grey), abs(int(sample.max()) - paper_grey))
    smooth = cv2.medianBlur(sample, 3)
    is_smooth = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) < FAINTEST_LEVELS
    side = max(3, min(max(sample.shape) // 4, min(sample.shape)) | 1)
    papers = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE if is_light else cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    around = np.convolve(counts, np.ones(2 * AROUND + 1), "same")
    apart = np.abs(np.arange(256) - paper_grey)
    is_shade = (counts < OWN * around) & (apart > FAINTEST_LEVELS) & (apart <= farthest / 2)
    shade = is_smooth & is_shade[smooth] & is_shade[papers]
    return bool(shade.mean() > SHADED and cv2.absdiff(sample, smooth)[shade].mean() > GRAINY)


def _edge(grey: np.ndarray) -> np.ndarray:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _pieces(mask: np.ndarray) -> int:
    """Return how many pieces a mask, bool (h, w), has."""
    _, _, numbers, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return int((numbers[1:, cv2.CC_STAT_AREA] >= SPECK_OF_PICTURE * mask.size).sum())


def _without_bars(grey: np.ndarray) -> np.ndarray:
    """Return a picture, uint8 (h, w), without bars along up to three sides, such as the title of a program's window.

    A drawing that was cut out closely may begin with a bar, too; there the rest of it reaches the border.
    """
    _, split = _sampled(grey)
    outermost = [(side >= split).mean() for side in (grey[0], grey[-1], grey[:, 0], grey[:, -1])]
    for is_light in (False, True):
        if not 0 < sum((share if is_light else 1 - share) >= LINED for share in outermost) < 4:
            continue  # with four it is the paper, or a frame
        bars, inner = (grey >= split) == is_light, grey
        for _ in range(4):
            bars, inner = np.rot90(bars), np.rot90(inner)
            thick = int((bars.mean(axis=1) < LINED).argmax())
            bars, inner = bars[thick:], inner[thick:]
        is_most = inner.shape[0] >= grey.shape[0] / 2 and inner.shape[1] >= grey.shape[1] / 2
        if is_most and bars.any() and not _edge(bars).any():
            return np.ascontiguousarray(inner)
    return grey


def _without_notes(ink: np.ndarray) -> np.ndarray:
    """Take dust away, and captions: small signs along the border of a page, uint8 (h, w), where no drawing is near."""
    drawn = _drawn(ink)
    x, y, columns, rows = cv2.boundingRect(drawn)
    inside = slice(y, y + rows), slice(x, x + columns)
    if cv2.connectedComponents(drawn[inside])[0] <= 2:  # most drawings; in a fifth of the time of what follows
        return ink
    _, pieces, boxes, _ = cv2.connectedComponentsWithStats(drawn[inside])
    left, top, width, height, area = boxes[1:].T
    left, top, longest = left + x, top + y, np.maximum(width, height)
    right, bottom, (page_height, page_width) = left + width, top + height, ink.shape
    is_small = longest < NOTE * longest.max()
    west, north, east, south = (side[~is_small] for side in (left, top, page_width - right, page_height - bottom))
    clear = west.min(), north.min(), east.min(), south.min()  # of the drawing, on each side
    beyond = clear[0] - right, clear[1] - bottom, left - page_width + clear[2], top - page_height + clear[3]
    middle = np.min([left + right, top + bottom, 2 * page_width - left - right, 2 * page_height - top - bottom], axis=0)
    band = BAND * min(ink.shape)
    is_away = np.max(beyond, axis=0) >= AWAY * longest.max()
    is_note = is_small & is_away & (middle / 2 <= 2 * band) & (min(clear) >= band)
    gone = is_note | (area < DUST * area.max())
    return np.where(np.append(False, gone)[pieces], 0, ink[inside]) if gone.any() else ink


def _without_frame(ink: np.ndarray) -> np.ndarray:
    """Take away a frame around a drawing: a piece that lines all four sides of what is drawn, float32 (h, w)."""
    drawn = ink > MIN_INK_SHARE
    if not _is_lined(drawn):
        return ink
    _, pieces = cv2.connectedComponents(drawn.astype(np.uint8))
    frame = pieces == pieces[0, drawn[0].argmax()]
    if not _is_lined(frame) or (drawn & ~frame).sum() < 0.01 * drawn.size:  # a square alone is a drawing
        return ink
    return crop(np.where(cv2.dilate(frame.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, 0, ink))


def _is_lined(drawn: np.ndarray) -> bool:
    by = 1 + int(BAND * min(drawn.shape))
    sides = drawn[:by].any(0), drawn[-by:].any(0), drawn[:, :by].any(1), drawn[:, -by:].any(1)
    return min(side.mean() for side in sides) >= LINED
