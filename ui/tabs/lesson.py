"""The lesson's panel: a step asks for a prediction, sets the controls, checks what was done, and explains."""

from typing import Any

import gradio as gr

from model.config import DIGITS
from ui.i18n import language_of
from ui.inference.supervisor import ModelSupervisor
from ui.lesson import lesson_content
from ui.tabs.panels import PRIVATE_EVENT, data_attributes, read_scripts

SCRIPT = read_scripts("lesson.js")
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


def add_lesson(supervisor: ModelSupervisor) -> None:
    """Place the panel, closed, if the model reads digits; the lesson is sent when it is opened.

    Args:
        supervisor: of the model, with which the last step is done.
    """
    if supervisor.config.labels != DIGITS:
        return
    template = TEMPLATE.format(open=data_attributes("lesson_open"))
    panel = gr.HTML(None, elem_id="lesson", padding=False, html_template=template, js_on_load=SCRIPT)

    def send(value: Any, request: gr.Request) -> Any:
        return lesson_content(language_of(request)) if value == {"wanted": True} else gr.skip()

    panel.input(send, panel, panel, **PRIVATE_EVENT)
