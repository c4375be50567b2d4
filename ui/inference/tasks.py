"""What the network recognizes in a drawing or another image.

A decoder calls `make_sheet`, the network's process what follows it: it never sees a visitor's file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.config import CnnConfig
from model.drawings import takes_drawings
from model.pixel_format import PixelFormat
from model.preprocess.decode import resize_to_input
from model.preprocess.foreground import BlankDrawingError, BlankPhotoError
from model.preprocess.handwriting import MAX_DOUBTS
from model.preprocess.sketch import Sheet, Sign, read_sheet
from ui.i18n import Language, UserError, translate
from ui.inference.answers import UNKNOWN, Answer, answers_html, no_handwriting_html, to_answer
from ui.inference.explanation_html import (
    describe_input,
    describe_saliency,
    image_html,
    pairs_html,
    saliency_image,
)
from ui.reports import parse

if TYPE_CHECKING:
    from model.explain import Explainer, Explanation


@dataclass(frozen=True)
class InputForm:
    """What a network takes; a decoder needs no more than that to prepare its inputs.

    Attributes:
        image_shape: height, width, channels.
        pixel_format: which values are black and white.
        takes_drawings: see `model.drawings`.
    """

    image_shape: tuple[int, int, int]
    pixel_format: PixelFormat
    takes_drawings: bool

    @property
    def target(self) -> tuple[int, int] | None:
        """The size that images are resized to, None if it is that of a drawing's strokes."""
        return None if self.takes_drawings else self.image_shape[:2]


@dataclass(frozen=True)
class Reading:
    """What the page shows about a drawing or another image."""

    answer_html: str  # the recognized signs, or that there are none
    input_html: str  # the network's input for each sign that it reads, and why it answers as it does
    answers: list[Answer]  # about each sign; none if it shows no handwriting


@dataclass(frozen=True)
class Classification:
    """What a program gets about a drawing or another image."""

    whole: Answer  # about the image as a whole
    signs: list[Answer]  # see `Reading.answers`


def draws_for(config: CnnConfig, folder: Path | None) -> bool:
    """Return whether users draw for the network of a folder, as far as its reports say what it learned from."""
    return takes_drawings(config, folder is not None and parse.was_trained_on_sketches(folder))


def make_sheet(image: np.ndarray, form: InputForm) -> Sheet:
    """Return the network's inputs for a drawing, or for another image if the network takes no drawings.

    Args:
        image: uint8 or uint16, (h, w), (h, w, 3) or (h, w, 4).
        form: of the inputs.

    Returns:
        the signs of a drawing, none of a photo of blank paper; another image is a single one.

    Raises:
        UserError: if a drawing is blank.
    """
    if not form.takes_drawings:
        whole = resize_to_input(image, form.image_shape, form.pixel_format)
        return Sheet(whole, [Sign(whole)])
    try:
        return read_sheet(image, form.image_shape)
    except BlankPhotoError:
        return Sheet(np.zeros(form.image_shape, np.uint8), [])
    except BlankDrawingError:
        raise UserError("drawing_blank") from None


def inputs_html(inputs: list[np.ndarray], explanations: list[Explanation], language: Language) -> str:
    """Return the network's input for each character, next to the pixels that speak for its answer."""
    seen, salient = (translate(key, language) for key in ("seen", "saliency"))
    return pairs_html(
        (
            image_html(pixels, seen, describe_input(pixels, language)),
            image_html(saliency_image(pixels, one.saliency), salient, describe_saliency(one.saliency, language)),
        )
        for pixels, one in zip(inputs, explanations, strict=True)
    )


# --- What the page asks the network ---


def input_form(explainer: Explainer) -> InputForm:
    """Return what the network takes. It may be another one than the page was built for, if that one is damaged."""
    model = explainer.model
    return InputForm(model.config.image_shape, model.config.pixel_format, draws_for(model.config, model.folder))


def classify(explainer: Explainer, sheet: Sheet) -> Classification:
    """Return the network's answers about the result of `make_sheet`."""
    model = explainer.model
    inputs = [sheet.whole, *(sheet.inputs if len(sheet.signs) > 1 else [])]
    outputs, ood = model.predict_and_reject(inputs)
    rejected = [False] * len(inputs) if ood is None else ood.rejected.tolist()
    whole, *others = (to_answer(model, *one) for one in zip(outputs, rejected, strict=True))
    return Classification(whole, _answers_of(sheet, others or [whole]))


def read(explainer: Explainer, sheet: Sheet, language: Language) -> Reading:
    """Recognize every sign of an upload.

    Args:
        explainer: of the network.
        sheet: the result of `make_sheet`.
        language: of the texts.
    """
    explanations = [explainer.explain(pixels) for pixels in sheet.inputs]
    answers = _answers_of(sheet, [to_answer(explainer.model, one.probabilities, one.rejected) for one in explanations])
    if not answers:
        return Reading(no_handwriting_html(language), "", [])
    return Reading(answers_html(answers, language), inputs_html(sheet.inputs, explanations, language), answers)


def _answers_of(sheet: Sheet, found: list[Answer]) -> list[Answer]:
    """Return the answers about all signs, from those about the signs that were read; none without handwriting."""
    is_refused = 2 * sum(answer.rejected for answer in found) >= len(found)
    if sheet.doubts + is_refused > MAX_DOUBTS:
        return []
    remaining = iter(found)
    return [
        replace(next(remaining), line=sign.line)
        if not sign.mark
        else Answer({}, None, sign.mark == UNKNOWN, mark=sign.mark, line=sign.line)
        for sign in sheet.signs
    ]


def first_kernel(explainer: Explainer) -> np.ndarray:
    """Return the learned kernel of the network's first convolution, float32 (side, side, channels, filters)."""
    return next(iter(explainer.kernels().values()))
