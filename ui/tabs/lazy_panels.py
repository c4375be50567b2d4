"""Parts of a page that are made when somebody first asks for them in a language, and then kept."""

from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui.figures.style import message_figure
from ui.i18n import BROWSER_TEXT, LANGUAGES, Language, UserError, display_name, language_of
from ui.tabs.panels import PRIVATE_EVENT, i18n

Values = Callable[[Language], list[Any]]  # of a part's components


class Parts:
    """The parts in their order; what cannot be shown is told by a sentence in its place."""

    def __init__(self) -> None:
        """Begin without any."""
        self._parts: list[tuple[list[gr.blocks.Block], Values]] = []

    def add(self, label: str, value_in: Callable[[Language], Any], kind: type, **options: Any) -> None:
        """Place a component of a kind, below it the sentence `<label>_help` on how to read it."""
        with gr.Column(min_width=320) as panel:
            component = kind(label=i18n(label), min_width=320, elem_classes="panel", **options)
            _help(label)
        absent = _absent()

        def values(language: Language) -> list[Any]:
            try:
                return [value_in(language), gr.skip(), gr.skip()]
            except UserError as message:
                return [gr.skip(), gr.update(visible=False), _told(label, message, language)]

        self._parts.append(([component, panel, absent], values))

    def add_text(self, value_in: Callable[[Language], str]) -> None:
        """Place a sentence, or nothing where it cannot be said: what it is about has told why."""

        def values(language: Language) -> list[Any]:
            try:
                text = value_in(language)
            except UserError:
                text = ""
            return [f"<p>{escape(text)}</p>" if text else ""]

        self._parts.append(([gr.HTML(elem_classes="caption", padding=False)], values))

    def add_chosen(
        self,
        label: str,
        figure: Callable[..., go.Figure],
        names_in: Callable[[], list[str]],
        choosers: list[str],
        most: int | None = None,
    ) -> None:
        """Place a figure of hyperparameters that the person chooses.

        Args:
            figure: makes it from the language and what is chosen, one argument a chooser.
            names_in: returns what there is to choose from; the first names are chosen at the start.
            choosers: labels of the dropdowns.
            most: how many a dropdown for several takes, and has at the start; None: each dropdown is for one.
        """
        try:
            names = names_in()
            if len(names) < len(choosers):
                raise UserError("too_few_hyperparameters")
        except UserError as message:
            told = {language: [_told(label, message, language)] for language in LANGUAGES}
            self._parts.append(([_absent()], told.__getitem__))
            return
        at_start = [names[:most]] if most else names[: len(choosers)]
        with gr.Row():
            dropdowns = [
                gr.Dropdown(
                    names,
                    value=value,
                    multiselect=bool(most),
                    max_choices=most,
                    label=i18n(chooser),
                    min_width=200,
                )
                for chooser, value in zip(choosers, at_start, strict=True)
            ]
        plot = gr.Plot(label=i18n(label), min_width=320, elem_classes="panel", elem_id=label.replace("_", "-"))
        _help(label)

        def drawn(language: Language, *chosen: Any) -> go.Figure:
            try:
                return figure(language, *chosen)
            except UserError as message:
                return message_figure(message.text(language))

        def values(language: Language) -> list[Any]:
            named_in = gr.update(choices=[(display_name(name, language), name) for name in names])
            return [drawn(language, *at_start), *([named_in] * len(dropdowns))]

        def redraw(request: gr.Request, *chosen: Any) -> go.Figure:
            return drawn(language_of(request), *chosen)

        self._parts.append(([plot, *dropdowns], values))
        gr.on([dropdown.input for dropdown in dropdowns], redraw, dropdowns, plot, **PRIVATE_EVENT)

    def load_with(self, demo: gr.Blocks) -> None:
        """Send every part when the page loads: only then its language is known."""

        @cache
        def values_in(language: Language) -> list[Any]:
            return [value for _, values in self._parts for value in values(language)]

        def load(request: gr.Request) -> list[Any]:
            return values_in(language_of(request))

        outputs = [component for components, _ in self._parts for component in components]
        # Not queued: what is kept need not wait for what others ask, nor take a place in the queue.
        demo.load(load, None, outputs, queue=False, **PRIVATE_EVENT)


def _help(label: str) -> None:
    if f"{label}_help" in BROWSER_TEXT["en"]:
        gr.Markdown(i18n(f"{label}_help"), elem_classes="caption")


def _absent() -> gr.Markdown:
    # While it is empty the style sheet hides it. Gradio sometimes leaves empty what it shows and fills at once.
    return gr.Markdown(container=True, min_width=320, elem_classes="absent")


def _told(label: str, message: UserError, language: Language) -> str:
    return f"**{BROWSER_TEXT[language][label]}**\n\n{message.text(language)}"
