"""Find the ink in an image: a drawing on a screen, a scan, or a photograph of paper (`photo`)."""

import math

import cv2
import numpy as np

from model.preprocess.photo import extract_strokes_from_photo
from model.preprocess.pixels import composite_over

MIN_CONTRAST_LEVELS = 16  # by which ink must differ from paper to count as drawn
MIN_INK_SHARE = 0.3  # of the strongest ink, at least
BORDER_SHARE = 0.05  # of the side: a frame lies within so much of the border
MIN_LINED_SHARE = 0.8  # of each side must be covered by a frame, of a row or column by a bar
MAX_COUNTED_SIDE_PX = 1000  # longer side of an image whose pieces are counted
# At least this share of a digital drawing's pixels has exactly the paper's gray or the ink's. Light on real paper
# spreads grays, except where a camera clips it: of the photographs by benchmarks/photographs.py one in sixty has as
# many, and most overexposed ones do. These are recognized by the rest of their paper, which varies.
MIN_EVEN_SHARE = 0.2
# A gray is distinct if it has at least this share of all pixels whose grays are within so many levels of it.
MIN_DISTINCT_SHARE, NEARBY_LEVELS = 0.25, 8
MIN_SHADED_SHARE = 0.07  # of the pixels are paper without a distinct gray if light falls on it
MIN_GRAIN_LEVELS = 0.5  # by which a camera's pixels differ from their neighbors, on average; a drawing's do not
MIN_SAMPLED_SIDE_PX = 100  # shorter side of the sample in which grays are counted: all pixels would take too long
MIN_RULED_SHARE = 0.02  # of the pixels have the one faint gray of the lines on a ruled digital sheet
MIN_PIECE_SHARE = 0.002  # of the pixels: a smaller piece does not count when ink and paper are compared
MAX_DUST_SHARE = 0.001  # of the largest piece of an even drawing: smaller pieces were not drawn
# Of the longest piece's side: a caption's characters are smaller than the first and farther away than the second.
MAX_CAPTION_SHARE, MIN_CAPTION_DISTANCE = 0.15, 0.15
MIN_PHOTO_SIDE_PX = 36  # shorter side; smaller images are scans
MIN_SHEET_SIDE_PX = 64  # shorter side: on smaller ones soft strokes spread grays, and lines are not a ruling


class BlankDrawingError(ValueError):
    """A drawing without a stroke."""


class BlankPhotoError(BlankDrawingError):
    """A photograph without a stroke."""


def extract_strokes(pixels: np.ndarray) -> np.ndarray:
    """Return how much of each pixel is ink, without the paper around the drawing.

    Args:
        pixels: uint8 or uint16 (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), as `decode.to_array` returns them.

    Returns:
        float32 (h, w), cropped to what is drawn: 0 for paper, 1 for the darkest (or lightest) stroke.

    Raises:
        BlankDrawingError: if nothing is drawn.
    """
    return find_strokes(pixels)[0]


def find_strokes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the result of `extract_strokes`, and the gray of a photograph, float32 (h, w); None for other images."""
    if pixels.dtype == np.uint16:  # a camera or a scanner may use only 10 or 12 of the 16 bits
        pixels = (pixels >> max(0, int(pixels.max()).bit_length() - 8)).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _composite_visibly(pixels)
    gray = _highest_contrast_channel(pixels)
    paper_gray, is_even, faint = _find_paper(gray)
    if is_even and (inner := _remove_bars(gray)).size < gray.size:
        gray = inner
        paper_gray, _, faint = _find_paper(gray)
    if is_even:
        ink = cv2.absdiff(gray, np.full_like(gray, paper_gray))
        if faint:
            ink[ink <= faint] = 0
    else:
        ink = 255 * extract_strokes_from_photo(gray.astype(np.float32))
    strongest = np.float32(ink.max())
    if strongest < MIN_CONTRAST_LEVELS:
        raise BlankDrawingError("nothing is drawn") if is_even else BlankPhotoError("nothing is written")
    if is_even:
        ink = _remove_captions(ink)
    return _remove_frame(crop(ink) / strongest), None if is_even else gray.astype(np.float32)


def crop(ink: np.ndarray) -> np.ndarray:
    """Crop ink, (h, w) with at least one drawn pixel, to what is drawn."""
    x, y, width, height = cv2.boundingRect(_ink_mask(ink))
    return ink[y : y + height, x : x + width]


def _ink_mask(ink: np.ndarray) -> np.ndarray:
    """Return which pixels count as drawn, uint8 (h, w), relative to the strongest: averaging may thin out all ink."""
    threshold = MIN_INK_SHARE * ink.max()
    if ink.dtype == np.uint8:
        threshold = int(threshold)  # the same result; NumPy compares integers with floats eight times more slowly
    return (ink > threshold).view(np.uint8)


def _composite_visibly(rgba: np.ndarray) -> np.ndarray:
    """Place an image with transparency on the color that makes it visible: black for light strokes, else white."""
    alpha = cv2.extractChannel(rgba, 3)
    if alpha.min() == 255:
        return cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    # Most of a canvas is empty: the transparent part around a drawing is cropped to a margin.
    left, top, width, height = cv2.boundingRect(alpha)
    rows, columns = slice(max(0, top - 2), top + height + 2), slice(max(0, left - 2), left + width + 2)
    alpha, on_black = alpha[rows, columns], composite_over(0, rgba[rows, columns])
    # On black each color counts as far as it is visible: colors under full transparency are arbitrary.
    is_light = cv2.cvtColor(on_black, cv2.COLOR_RGB2GRAY).mean() > alpha.mean() / 2
    return on_black if is_light else cv2.add(on_black, cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB))


def _highest_contrast_channel(pixels: np.ndarray) -> np.ndarray:
    """Return an image, uint8, as (h, w): its gray, or the color channel that separates ink and paper much better."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return pixels.reshape(pixels.shape[:2])
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if _contrast(gray) > 127:
        return gray
    best = max(cv2.split(pixels), key=_contrast)
    return gray if _contrast(gray) >= _contrast(best) / 2 else best


def _contrast(channel: np.ndarray) -> int:
    return int(channel.max()) - int(channel.min())


def _sample(gray: np.ndarray) -> tuple[np.ndarray, int]:
    """Return some of an image's pixels, and the gray level at which light starts (Otsu's method)."""
    step = max(1, min(gray.shape) // MIN_SAMPLED_SIDE_PX)
    sample = np.ascontiguousarray(gray[::step, ::step])
    threshold, _ = cv2.threshold(sample, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return sample, int(threshold) + 1


def _find_paper(gray: np.ndarray) -> tuple[int, bool, int]:
    """Return the gray of the paper in an image, uint8 (h, w), whether it is even, and how much lines on it differ.

    Drawings made on a screen are even. The lines are those of squared or ruled sheets; 0 if there are none.

    Paper is the lighter or the darker of two grays, the one that surrounds the other: it has the border and the
    corners. In a closely cropped drawing it may have neither, but it has most of the pixels; so all three shares vote.
    """
    sample, split = _sample(gray)
    counts = np.bincount(sample.ravel(), minlength=256)
    dark, light = int(counts[:split].argmax()), split + int(counts[split:].argmax())

    by = int(BORDER_SHARE * min(gray.shape))
    edge, inner_border = ((_border_pixels(one) >= split).mean() for one in (gray, gray[by:-by, by:-by] if by else gray))
    share = counts[split:].sum() / sample.size
    votes = share + edge + (gray[[0, 0, -1, -1], [0, -1, 0, -1]] >= split).mean()
    if abs(edge - inner_border) > MIN_LINED_SHARE:  # a frame
        votes = 3 * share
    elif 0.75 < votes < 2.25:  # closely cropped: ink holds together, the rest of the paper does not
        step = 1 + math.isqrt(gray.size) // MAX_COUNTED_SIDE_PX
        votes += 3 * np.sign(_count_pieces(gray[::step, ::step] >= split) - _count_pieces(gray[::step, ::step] < split))
    paper_gray = light if votes > 1.5 else dark

    smallest = min(gray.shape)
    is_page = max(gray.shape) <= 1.5 * smallest  # longer images are closely cropped strokes
    is_spread = counts[dark] + counts[light] < MIN_EVEN_SHARE * sample.size and (
        smallest >= MIN_SHEET_SIDE_PX or is_page
    )
    is_even = smallest < MIN_PHOTO_SIDE_PX or not (is_spread or _has_uneven_light(sample, counts, dark, light))
    apart = np.abs(np.arange(256) - paper_gray)
    ruled = apart[(counts >= MIN_RULED_SHARE * sample.size) & (apart < (light - dark) / 2)]
    return paper_gray, bool(is_even), 0 if smallest < MIN_SHEET_SIDE_PX else int(ruled.max(initial=0))


def _has_uneven_light(sample: np.ndarray, counts: np.ndarray, dark: int, light: int) -> bool:
    """Return whether the light on the paper is uneven: parts of it vary smoothly, in many grays nearer to it than ink.

    A digital drawing may have several backgrounds, such as panels, but each has one gray. A morphological closing over
    the strokes separates their own soft grays from the paper's. Shade may cover the border, so the paper is the most
    frequent gray.
    """
    is_light = counts[light] >= counts[dark]
    paper_gray = light if is_light else dark
    farthest = max(abs(int(sample.min()) - paper_gray), abs(int(sample.max()) - paper_gray))
    smooth = cv2.medianBlur(sample, 3)
    is_smooth = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) < MIN_CONTRAST_LEVELS
    side = max(3, min(max(sample.shape) // 4, min(sample.shape)) | 1)
    papers = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE if is_light else cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    around = np.convolve(counts, np.ones(2 * NEARBY_LEVELS + 1), "same")
    apart = np.abs(np.arange(256) - paper_gray)
    is_shade = (counts < MIN_DISTINCT_SHARE * around) & (apart > MIN_CONTRAST_LEVELS) & (apart <= farthest / 2)
    shade = is_smooth & is_shade[smooth] & is_shade[papers]
    return bool(shade.mean() > MIN_SHADED_SHARE and cv2.absdiff(sample, smooth)[shade].mean() > MIN_GRAIN_LEVELS)


def _border_pixels(gray: np.ndarray) -> np.ndarray:
    return np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])


def _count_pieces(mask: np.ndarray) -> int:
    """Return how many connected pieces a mask, bool (h, w), has."""
    _, _, numbers, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return int((numbers[1:, cv2.CC_STAT_AREA] >= MIN_PIECE_SHARE * mask.size).sum())


def _remove_bars(gray: np.ndarray) -> np.ndarray:
    """Return an image, uint8 (h, w), without bars along up to three sides, such as a window's title bar.

    A closely cropped drawing may start with a bar, too; the rest of such a drawing reaches the border.
    """
    _, split = _sample(gray)
    outermost = [(side >= split).mean() for side in (gray[0], gray[-1], gray[:, 0], gray[:, -1])]
    for is_light in (False, True):
        if not 0 < sum((share if is_light else 1 - share) >= MIN_LINED_SHARE for share in outermost) < 4:
            continue  # on all four sides it is the paper, or a frame
        bars, inner = (gray >= split) == is_light, gray
        for _ in range(4):
            bars, inner = np.rot90(bars), np.rot90(inner)
            thick = int((bars.mean(axis=1) < MIN_LINED_SHARE).argmax())
            bars, inner = bars[thick:], inner[thick:]
        is_most = inner.shape[0] >= gray.shape[0] / 2 and inner.shape[1] >= gray.shape[1] / 2
        if is_most and bars.any() and not _border_pixels(bars).any():
            return np.ascontiguousarray(inner)
    return gray


def _remove_captions(ink: np.ndarray) -> np.ndarray:
    """Remove dust, and captions: small characters along the border of a page, uint8 (h, w), away from the drawing."""
    mask = _ink_mask(ink)
    x, y, columns, rows = cv2.boundingRect(mask)
    inside = slice(y, y + rows), slice(x, x + columns)
    if cv2.connectedComponents(mask[inside])[0] <= 2:  # one piece, as most drawings: five times faster than the rest
        return ink
    _, pieces, boxes, _ = cv2.connectedComponentsWithStats(mask[inside])
    left, top, width, height, area = boxes[1:].T
    left, top, longest = left + x, top + y, np.maximum(width, height)
    right, bottom, (page_height, page_width) = left + width, top + height, ink.shape
    is_small = longest < MAX_CAPTION_SHARE * longest.max()
    west, north, east, south = (side[~is_small] for side in (left, top, page_width - right, page_height - bottom))
    clear = west.min(), north.min(), east.min(), south.min()  # of the drawing, on each side
    beyond = clear[0] - right, clear[1] - bottom, left - page_width + clear[2], top - page_height + clear[3]
    middle = np.min([left + right, top + bottom, 2 * page_width - left - right, 2 * page_height - top - bottom], axis=0)
    band = BORDER_SHARE * min(ink.shape)
    is_away = np.max(beyond, axis=0) >= MIN_CAPTION_DISTANCE * longest.max()
    is_caption = is_small & is_away & (middle / 2 <= 2 * band) & (min(clear) >= band)
    gone = is_caption | (area < MAX_DUST_SHARE * area.max())
    return np.where(np.append(False, gone)[pieces], 0, ink[inside]) if gone.any() else ink


def _remove_frame(ink: np.ndarray) -> np.ndarray:
    """Remove a frame around a drawing: a piece of ink, float32 (h, w), that lines all four sides of it."""
    drawn = ink > MIN_INK_SHARE
    if not _lines_all_sides(drawn):
        return ink
    _, pieces = cv2.connectedComponents(drawn.astype(np.uint8))
    frame = pieces == pieces[0, drawn[0].argmax()]
    if not _lines_all_sides(frame) or (drawn & ~frame).sum() < 0.01 * drawn.size:  # a square alone is a drawing
        return ink
    return crop(np.where(cv2.dilate(frame.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, 0, ink))


def _lines_all_sides(drawn: np.ndarray) -> bool:
    by = 1 + int(BORDER_SHARE * min(drawn.shape))
    sides = drawn[:by].any(0), drawn[-by:].any(0), drawn[:, :by].any(1), drawn[:, -by:].any(1)
    return min(side.mean() for side in sides) >= MIN_LINED_SHARE
