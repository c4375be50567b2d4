"""Parts of a page that are made once in each language, and shown in the one of the request."""

from collections.abc import Callable
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui.panels import UNLISTED
from ui.plots import sentence
from ui.text import LANGUAGES, STATIC, Language, Message, i18n, language_of, named


class Parts:
    """The parts in their order; what cannot be shown is told by a sentence in its place."""

    def __init__(self) -> None:
        """Begin without any."""
        self._parts: list[tuple[gr.components.Component, dict[Language, Any]]] = []

    def add(self, label: str, value_in: Callable[[Language], Any], kind: type, **options: Any) -> None:
        """Place a component of a kind, below it the sentence `<label>_help` on how to read it."""
        try:
            values = {language: value_in(language) for language in LANGUAGES}
        except Message as message:
            self._tell(label, message)
            return
        self._parts.append((kind(label=i18n(label), min_width=320, elem_classes="panel", **options), values))
        self._help(label)

    def add_text(self, value_in: Callable[[Language], str]) -> None:
        """Place a sentence, or nothing where it cannot be said: what it is about has told why."""
        try:
            values = {language: value_in(language) for language in LANGUAGES}
        except Message:
            return
        self._parts.append((gr.Markdown(elem_classes="caption"), values))

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
                raise Message("too_few_hyperparameters")
            chosen = [names[:most]] if most else names[: len(choosers)]
            values = {language: figure(language, *chosen) for language in LANGUAGES}
        except Message as message:
            self._tell(label, message)
            return
        named_in = {lang: gr.update(choices=[(named(name, lang), name) for name in names]) for lang in LANGUAGES}
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
                for chooser, value in zip(choosers, chosen, strict=True)
            ]
        plot = gr.Plot(label=i18n(label), min_width=320, elem_classes="panel", elem_id=label.replace("_", "-"))
        self._help(label)
        self._parts += [(plot, values), *((dropdown, named_in) for dropdown in dropdowns)]

        def redraw(request: gr.Request, *chosen: Any) -> go.Figure:
            language = language_of(request)
            try:
                return figure(language, *chosen)
            except Message as message:
                return sentence(message.text(language))

        events = [dropdown.input for dropdown in dropdowns]
        gr.on(events, redraw, dropdowns, plot, **UNLISTED)

    def load_with(self, demo: gr.Blocks) -> None:
        """Send every part when the page loads."""

        def load(request: gr.Request) -> list[Any]:
            return [values[language_of(request)] for _, values in self._parts]

        outputs = [component for component, _ in self._parts]
        demo.load(load, None, outputs, **UNLISTED)

    def _help(self, label: str) -> None:
        if f"{label}_help" in STATIC["en"]:
            gr.Markdown(i18n(f"{label}_help"), elem_classes="caption")

    def _tell(self, label: str, message: Message) -> None:
        values = {language: f"**{STATIC[language][label]}**\n\n{message.text(language)}" for language in LANGUAGES}
        self._parts.append((gr.Markdown(container=True, min_width=320, elem_classes="absent"), values))
