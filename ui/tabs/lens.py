"""The lens of the edges tab: a frame over image and result, and the arithmetic under it. It runs in the browser."""

import json
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from ui.edges.render import EdgeOptions
from ui.i18n import BROWSER_TEXT, LANGUAGES
from ui.tabs.panels import html_panel

SCRIPT = Path(__file__).parents[1].joinpath("static", "lens.js").read_text(encoding="utf-8")
TEXTS = "lens_"  # how the keys of its texts start
VIEW = (
    '<figure><div class="lens-view"><canvas></canvas><i class="lens-frame"></i></div><figcaption></figcaption></figure>'
)
START = (193, 240)  # row and column: an edge of the first photo


def add_lens() -> gr.HTML:
    """Place the lens; its value is what `lens_value` returns."""
    texts = " ".join(f"data-{language}='{escape(_texts(language))}'" for language in LANGUAGES)
    template = (
        f'<div class="lens" {texts} hidden>{VIEW}{VIEW}'
        '<div class="lens-middle"><div class="lens-tables arithmetic"></div><p class="lens-running"></p>'
        '<p class="lens-chips"></p><button type="button" class="lens-play"></button><p class="lens-size"></p>'
        '<p class="lens-spoken" role="status"></p></div></div>'
    )
    return html_panel("edges_lens", "edges-lens", None, html_template=template, js_on_load=SCRIPT)


def lens_value(original: str, kernel: list[list[float]], options: EdgeOptions, gain: float) -> dict[str, Any]:
    """Return what the lens needs to compute what the page shows.

    Args:
        original: path of the image that is shown, as `save_png` returns it; its folder is named by its content.
        kernel: as it is applied: turned for a convolution.
        options: how it was computed.
        gain: see `display_gain`.
    """
    return {
        "original": Path(original).parent.name,
        "kernel": kernel,
        "sign": options.sign,
        "threshold": options.threshold,
        "padding": options.padding,
        "stride": options.stride,
        "gain": gain,
        "row": START[0],
        "column": START[1],
    }


def _texts(language: str) -> str:
    texts = BROWSER_TEXT[language]
    return json.dumps({key.removeprefix(TEXTS): text for key, text in texts.items() if key.startswith(TEXTS)})
