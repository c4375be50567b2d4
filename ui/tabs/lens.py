"""The lens of the edges tab: a frame over image and result, and the arithmetic under it. It runs in the browser."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.edges.render import EdgeFacts, EdgeOptions
from ui.i18n import BROWSER_TEXT, Language, percent, translate
from ui.tabs.panels import html_panel, read_scripts, script_texts

SCRIPT = read_scripts("weights.js", "convolution.js", "lens.js", "lens_facts.js", "lens_value.js")
TEMPLATE = """<div class="lens" {texts} hidden>
<fieldset class="lens-source"><legend></legend>
<label><input type="radio" name="lens-source" value="image" checked><span></span></label>
<label><input type="radio" name="lens-source" value="example"><span></span></label></fieldset>
{view}{view}
<div class="lens-middle"><p class="lens-where"></p><div class="lens-tables arithmetic"></div>
<p class="lens-running"></p><p class="lens-chips"></p><button type="button" class="lens-play"></button>
<p class="lens-size"></p><p class="lens-spoken" role="status"></p></div></div>"""
VIEW = """<figure><div class="lens-view"><div class="lens-plane"><canvas></canvas><i class="lens-frame"></i></div></div>
<figcaption></figcaption></figure>"""
START = (193, 240)  # row and column: an edge of the first photo


def add_lens() -> gr.HTML:
    """Place the lens; its value is what `lens_value` returns."""
    template = TEMPLATE.format(texts=script_texts("lens_"), view=VIEW)
    return html_panel("edges_lens", "edges-lens", None, html_template=template, js_on_load=SCRIPT)


def lens_value(original: str, photo: str, alt: str, options: EdgeOptions, facts: EdgeFacts) -> dict[str, Any]:
    """Return what the lens needs to compute what the page shows.

    Args:
        original: path of the image that is shown, as `save_png` returns it; its folder is named by its content.
        photo: what the image shows, in words.
        alt: what the result shows; see `describe_result`.
        options: how it was computed.
        facts: of the result.
    """
    return {
        "original": Path(original).parent.name,
        "photo": photo,
        "alt": alt,
        "kernel": facts.kernel,
        "turned": options.flip,
        "sign": options.sign,
        "threshold": options.threshold,
        "padding": options.padding,
        "stride": options.stride,
        "gain": facts.gain,
        "row": START[0],
        "column": START[1],
    }


def describe_result(photo: str, kernel: str | None, options: EdgeOptions, facts: EdgeFacts, language: Language) -> str:
    """Return what a result shows, for those who do not see it and those who count.

    Args:
        photo: what the image shows, in words.
        kernel: its name in `KERNELS`, None for another one.
        options: how the result was computed.
        facts: of the result.
        language: of the sentence.
    """
    name = BROWSER_TEXT[language][f"edges_{kernel}"] if kernel else translate("edges_this_kernel", language)
    form = "signed" if options.sign == "signed" else "gray" if options.threshold is None else "binary"
    values = {"lit": facts.lit, "plus": facts.lit - facts.lit_negative, "minus": facts.lit_negative}
    shares = {key: percent(share, language) for key, share in values.items()}
    return translate(f"edges_alt_{form}", language, photo=photo, kernel=name, **shares)
