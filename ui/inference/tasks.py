"""What the network reads in a drawing or a picture; `ModelSupervisor.ask` calls these functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from model.config import CnnConfig
from model.preprocess.decode import resize_to_input
from model.preprocess.foreground import BlankDrawingError
from model.preprocess.sketch import sketch_to_input, sketch_to_inputs
from ui.i18n import Language, UserError, translate
from ui.inference.answers import Answer, answers_html, as_answer
from ui.inference.explanation_html import maps_html, pairs_html, picture_html, saliency_picture
from ui.reports import parse as reports
from ui.server.images import downscale, read_image_in_turn

if TYPE_CHECKING:
    from model.cnn import CnnModel
    from model.explain import Explainer, Explanation

# Of drawings and small pictures, one at a time: in threads that wait for each other all would take a tenth longer.
_TURN = Lock()


@dataclass(frozen=True)
class Reading:
    """A drawing or picture as the page shows it."""

    said: str  # HTML: the answers, from left to right
    seen: str  # HTML: what the network sees of each sign, and why it answers
    inputs: list[np.ndarray]  # the network's, one a sign, as `prepare` gives them
    maps: str  # HTML: the feature maps of one sign; empty where they were not asked for


def takes_drawings(config: CnnConfig, folder: Path | None) -> bool:
    """Return whether a network is asked about drawings: in grey, and of what people draw.

    That is letters and digits, which labels of one character are taken for (so are classes without names, which go by
    numbers), and whatever it was trained on as drawings, which its folder tells. Clothes are grey as well, but to cut
    them out and stretch them as drawings are would make of them what the network has never seen.
    """
    signs = all(len(label) == 1 and label.isalnum() for label in config.labels)
    return config.image_shape[2] == 1 and (signs or (folder is not None and reports.was_trained_on_sketches(folder)))


def prepare(model: CnnModel, picture: np.ndarray) -> list[np.ndarray]:
    """Make the network's inputs of a drawing, or of a picture where the network takes no drawings.

    Args:
        model: the network.
        picture: uint8 or uint16, (h, w), (h, w, 3) or (h, w, 4).

    Returns:
        uint8 arrays of the network's `image_shape`, one a sign from left to right.

    Raises:
        UserError: for a blank drawing.
    """
    shape = model.config.image_shape
    if not takes_drawings(model.config, model.folder):
        return [resize_to_input(picture, shape)]
    try:
        return sketch_to_inputs(picture, shape)
    except BlankDrawingError:
        raise UserError("drawing_blank") from None


def answer(model: CnnModel, picture: np.ndarray) -> Answer:
    """Return what the network says of a drawing or picture as a whole; the arguments are those of `prepare`.

    Raises:
        UserError: for a blank drawing.
    """
    make = sketch_to_input if takes_drawings(model.config, model.folder) else resize_to_input
    try:
        pixels = make(picture, model.config.image_shape)
    except BlankDrawingError:
        raise UserError("drawing_blank") from None
    (outputs,), judged = model.predict_and_reject([pixels])
    return as_answer(model, outputs, judged is not None and bool(judged.rejected[0]))


def seen_html(inputs: list[np.ndarray], explained: list[Explanation], language: Language) -> str:
    """Return what the network sees of each sign, and beside it which pixels spoke for its answer."""
    seen, why = (translate(key, language) for key in ("seen", "saliency"))
    return pairs_html(
        (picture_html(pixels, seen), picture_html(saliency_picture(pixels, explanation.saliency), why))
        for pixels, explanation in zip(inputs, explained, strict=True)
    )


# --- What is asked of the network ---


def classify(explainer: Explainer, source: str | bytes | None) -> Answer:
    """Return the answer about an upload as a whole.

    Args:
        explainer: of the network.
        source: as `images.read_image` takes it.

    Raises:
        UserError: as `images.read_image`; for a blank drawing.
    """
    with read_image_in_turn(source, "drawing_missing", _TURN) as pixels:
        return answer(explainer.model, downscale(pixels))


def read(explainer: Explainer, source: str | bytes | None, language: Language, maps_of: int | None) -> Reading:
    """Read every sign of an upload.

    Args:
        explainer: of the network.
        source: as `images.read_image` takes it.
        language: of the texts.
        maps_of: position of the sign whose feature maps are wanted, 0 is the first; the last one where there are
            fewer; None for no maps.

    Raises:
        UserError: as `classify`.
    """
    model = explainer.model
    with read_image_in_turn(source, small_image_lock=_TURN) as picture:
        inputs = prepare(model, downscale(picture))
        explained = [explainer.explain(pixels) for pixels in inputs]
    said = answers_html([as_answer(model, one.probabilities, one.rejected) for one in explained], language)
    maps = "" if maps_of is None else maps_html(explained[min(maps_of, len(inputs) - 1)])
    return Reading(said, seen_html(inputs, explained, language), inputs, maps)


def look_inside(explainer: Explainer, pixels: np.ndarray) -> str:
    """Return the feature maps of one of the network's inputs, as HTML."""
    return maps_html(explainer.explain(pixels))


def learned_kernels(explainer: Explainer) -> dict[str, np.ndarray]:
    """Return what `Explainer.kernels` does."""
    return explainer.kernels()
