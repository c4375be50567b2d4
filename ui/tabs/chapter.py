"""The panel with the course's script for the chosen kernel, and how far its result is the page's."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.decoding.pool import decoders
from ui.edges.chapter import chapter_script, compare_with_chapter
from ui.edges.convolution import OPERATIONS, validate_choice, validate_threshold
from ui.edges.kernels import validate_kernel
from ui.i18n import Language, language_of, number, translate
from ui.markup import html_text
from ui.server.upload import IMAGE_EVENTS, image_source
from ui.server.visitors import visitor_of
from ui.tabs.panels import PRIVATE_EVENT, i18n


@dataclass(frozen=True)
class ChapterControls:
    """The panel's components."""

    accordion: gr.Accordion
    is_open: gr.State  # nothing is computed while it is closed
    script: gr.Code
    agreement: gr.HTML


def add_chapter_panel() -> ChapterControls:
    """Place the panel, closed."""
    with gr.Accordion(i18n("edges_chapter"), open=False, elem_id="edges-chapter") as accordion:
        gr.Markdown(i18n("edges_chapter_guide"), elem_classes="caption")
        script = gr.Code(
            language="python", label=i18n("edges_script"), interactive=False, buttons=["copy"], elem_id="edges-script"
        )
        agreement = gr.HTML(elem_id="edges-agreement")
    return ChapterControls(accordion, gr.State(False), script, agreement)


def bind_chapter_panel(controls: ChapterControls, inputs: list, events: list) -> None:
    """Fill the panel when it is opened, and again while it is open.

    Args:
        controls: the panel's components.
        inputs: components of the image, the kernel, the threshold and the operation.
        events: after which the panel is filled again, besides changes of threshold and operation.
    """

    def fill(request: gr.Request, is_open: bool, image: dict | None, *options: Any) -> tuple[Any, Any]:
        if not is_open or image is None:
            return gr.skip(), gr.skip()
        return fill_chapter_panel(language_of(request), visitor_of(request), image, *options)

    event = {
        "fn": fill,
        "inputs": [controls.is_open, *inputs],
        "outputs": [controls.script, controls.agreement],
        "preprocess": False,
        **PRIVATE_EVENT,
        **IMAGE_EVENTS,
    }
    opened = controls.accordion.expand(lambda: True, None, controls.is_open, **PRIVATE_EVENT)
    controls.accordion.collapse(lambda: False, None, controls.is_open, **PRIVATE_EVENT)
    image, _, threshold, operation = inputs
    gr.on([one.input for one in (image, threshold, operation)], trigger_mode="always_last", **event)
    for one in (opened, *events):
        one.then(**event)


def fill_chapter_panel(
    language: Language, visitor: str, image: dict, matrix: Any, threshold: Any, operation: Any
) -> tuple[str, str]:
    """Return the script, and the sentence that counts the equal pixels as HTML.

    Args:
        language: of the sentence.
        visitor: see `visitor_of`.
        image: as the browser sends it.
        matrix: the kernel.
        threshold: above which a pixel is white.
        operation: one of `OPERATIONS`.

    Raises:
        UserError: if a value that came from a client is not valid.
    """
    kernel, level = validate_kernel(matrix), validate_threshold(threshold)
    flip = validate_choice(operation, OPERATIONS) == "convolution"
    found = decoders().apply(compare_with_chapter, image_source(image), kernel, level, flip, visitor=visitor)
    counts = {"equal": found.equal, "total": found.total, "white": found.white, "both": found.white_in_both}
    values = {name: number(count, ",", language) for name, count in counts.items()}
    key = "chapter_equal" if found.equal == found.total else "chapter_different"
    return chapter_script(kernel, level), f"<p>{html_text(translate(key, language, **values))}</p>"
