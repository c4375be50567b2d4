"""The lesson's panel: a step asks for a prediction, sets the controls, checks what was done, and explains."""

import gradio as gr

from model.config import DIGITS, CnnConfig
from ui.tabs.panels import data_attributes, read_scripts

TEMPLATE = """<section class="lesson"><button type="button" class="lesson-open" aria-expanded="false" {open}></button>
<div class="lesson-card" hidden><ol class="lesson-steps"></ol><h2 tabindex="-1"></h2><p class="lesson-chapter"></p>
<fieldset><legend></legend><div></div></fieldset><ul class="lesson-tasks"></ul>
<p class="lesson-buttons"><button type="button" class="lesson-go"></button>
<button type="button" class="lesson-set"></button></p>
<div class="lesson-explain"></div>
<p class="lesson-buttons"><button type="button" class="lesson-back"></button>
<button type="button" class="lesson-next"></button><button type="button" class="lesson-restart"></button>
<button type="button" class="lesson-print"></button></p>
<p class="lesson-said" role="status"></p></div></section>
<div class="lesson-line" hidden><span></span><button type="button"></button></div>"""


def add_lesson(config: CnnConfig) -> None:
    """Place the panel, closed, if the model reads digits; its script and texts are fetched when it is opened.

    Args:
        config: of the model, with which the last step is done.
    """
    if config.labels == DIGITS:
        template, script = TEMPLATE.format(open=data_attributes("lesson_open")), read_scripts("lesson_open.js")
        gr.HTML(None, elem_id="lesson", padding=False, html_template=template, js_on_load=script)
