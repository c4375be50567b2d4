"""The page's address: what of the page it can open, how it is checked, and the tools in the page's head.

`?tab=edges&photo=brick&kernel=sobel&threshold=80&flip=0&px=120,88&lang=es` opens a photo with a kernel and the lens at
a pixel; `?lesson=11` opens a step of the lesson with the controls that it needs. While someone uses the page, scripts
keep the address up to date, so that it can be copied at any time.
"""

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import gradio as gr

from ui.edges.convolution import OPERATIONS, PADDINGS, SIGN_MODES, STRIDES, validate_threshold
from ui.edges.kernel_choice import EDITABLE_SIDES_PX
from ui.edges.kernels import KERNELS, validate_kernel
from ui.i18n import BROWSER_TEXT, LANGUAGES, UserError, language_of, translate
from ui.lesson import STEPS
from ui.tabs.panels import PRIVATE_EVENT, read_scripts, script_texts
from ui.tabs.train_here import CONTROLS as TRAINING_CHOICES

SCRIPT = read_scripts("page_tools.js")
TABS = ("edges", "digit", "tuning")
PARTS = ("search", "compare", "conclusions", "try", "space", "combinations", "table", "model")  # of the tab "tuning"
PHOTO_NAMES = ("camera", "coffee", "chelsea", "coins", "astronaut", "brick")
OUTPUTS = ("binary", "gray")
MAX_PIXEL = 10_000
MAX_VALUE_CHARS = 500  # a kernel of 5 × 5 weights takes 200
_PIXEL = re.compile(r"\d{1,5},\d{1,5}")
TEMPLATE = """<div class="page-tools" {texts} data-parameters='{parameters}'><nav>{languages}</nav>
<button type="button" class="copy-link"></button><span role="status"></span></div>"""


def _one_of(choices: tuple[Any, ...]) -> Callable[[str], Any]:
    names = {str(choice): choice for choice in choices}

    def parse(text: str) -> Any:
        if text not in names:
            raise ValueError(text)
        return names[text]

    return parse


def _parse_kernel(text: str) -> str | list[list[float]]:
    """Return a name of `KERNELS`, or a matrix written as `1,0,-1;2,0,-2;1,0,-1`."""
    if text in KERNELS:
        return text
    rows = [[float(weight) for weight in row.split(",")] for row in text.split(";")]
    kernel = validate_kernel(rows)
    if len(kernel) not in EDITABLE_SIDES_PX:
        raise ValueError(text)
    return kernel.tolist()


def _parse_pixel(text: str) -> tuple[int, int]:
    """Return column and row; the lens itself keeps them inside the image."""
    if not _PIXEL.fullmatch(text):
        raise ValueError(text)
    column, row = map(int, text.split(","))
    if max(column, row) > MAX_PIXEL:
        raise ValueError(text)
    return column, row


# What an address may hold besides `lang`, and what reads each value.
PARAMETERS: dict[str, Callable[[str], Any]] = {
    # What is chosen of a network to be trained; its panel reads them in the browser.
    **{name: _one_of(values) for name, values in TRAINING_CHOICES.items()},
    "tab": _one_of(TABS),
    "part": _one_of(PARTS),
    "photo": _one_of(PHOTO_NAMES),
    "kernel": _parse_kernel,
    "threshold": lambda text: validate_threshold(float(text)),
    "flip": lambda text: OPERATIONS[0 if _one_of(("0", "1"))(text) == "1" else 1],
    "sign": _one_of(SIGN_MODES),
    "show": _one_of(OUTPUTS),
    "stride": _one_of(STRIDES),
    "padding": _one_of(PADDINGS),
    "px": _parse_pixel,
    "lesson": _one_of(tuple(range(1, len(STEPS) + 1))),
}


def read_link(query: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what an address asks for, and the names of the parameters whose values are not possible.

    A step of the lesson brings what it needs; what the address itself asks for comes first. Other names, such as those
    of Gradio, are none of the page's.

    Args:
        query: the address's parameters, as texts that anyone may have written.

    Example:
        >>> read_link({"kernel": "sobel", "stride": "9", "utm": "x"})
        ({'kernel': 'sobel'}, ['stride'])
    """
    found, refused = {}, []
    for name, parse in PARAMETERS.items():
        if name not in query:
            continue
        text = str(query[name])
        try:
            if len(text) > MAX_VALUE_CHARS:
                raise ValueError(name)
            found[name] = parse(text)
        except (ValueError, UserError):
            refused.append(name)
    if "lesson" in found:
        state = STEPS[found["lesson"] - 1].state
        found = {name: PARAMETERS[name](text) for name, text in state.items()} | found
    return found, refused


def opens_something(query: Mapping[str, Any]) -> bool:
    """Return whether an address asks for more than the page as it is at its start."""
    return any(name in query for name in PARAMETERS)


def add_page_tools() -> gr.HTML:
    """Place the language switch and the button that copies the page's address."""
    languages = "".join(
        f'<button type="button" data-language="{language}" lang="{language}">'
        f"{escape(BROWSER_TEXT[language]['language_name'])}</button>"
        for language in LANGUAGES
    )
    template = TEMPLATE.format(
        texts=script_texts("tools_"), languages=languages, parameters=json.dumps(list(PARAMETERS))
    )
    return gr.HTML(None, elem_id="page-tools", padding=False, html_template=template, js_on_load=SCRIPT)


def bind_link(tools: gr.HTML, inputs: list, outputs: list, update: Callable[..., dict], then: dict[str, Any]) -> None:
    """Set the controls to what an address, or a step of the lesson, asks for.

    Args:
        tools: see `add_page_tools`; its value is what is asked for.
        inputs: of `update`, after what was asked for.
        outputs: that `update` may change.
        update: makes the new values of the outputs.
        then: the event that follows when the controls are set.
    """

    def open_link(request: gr.Request, query: Any, *values: Any) -> dict:
        found, refused = read_link(query if isinstance(query, dict) else {})
        if refused:
            gr.Warning(translate("link_refused", language_of(request), names=", ".join(refused)))
        return update(found, *values)

    tools.input(open_link, [tools, *inputs], outputs, preprocess=False, postprocess=False, **PRIVATE_EVENT).then(**then)
