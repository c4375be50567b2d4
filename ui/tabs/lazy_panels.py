"""Panels whose content is made when a visitor first asks for it in a language, and then kept."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui.figures.style import message_figure
from ui.i18n import BROWSER_TEXT, LANGUAGES, Language, UserError, display_name, language_of
from ui.markup import html_text
from ui.tabs.panels import PRIVATE_EVENT, i18n


@dataclass(frozen=True)
class _Panel:
    components: list[gr.blocks.Block]
    values_in: Callable[[Language], list[Any]]  # of the components


class LazyPanels:
    """The panels in their order. If one cannot be shown, a sentence in the same place says why."""

    def __init__(self) -> None:
        """Start without any."""
        self._panels: list[_Panel] = []

    def add(self, label: str, value_in: Callable[[Language], Any], component_type: type, **options: Any) -> None:
        """Place a component, and below it the text `<label>_help` on how to read it.

        Args:
            label: key of the label.
            value_in: makes the component's value in a language; raises a `UserError` if it cannot be shown.
            component_type: such as `gr.Plot`.
            **options: of the component.
        """
        with gr.Column(min_width=320) as column:
            component = component_type(label=i18n(label), min_width=320, elem_classes="panel", **options)
            _add_help(label)
        replacement = _add_replacement()

        def values_in(language: Language) -> list[Any]:
            try:
                return [value_in(language), gr.skip(), gr.skip()]
            except UserError as message:
                return [gr.skip(), gr.update(visible=False), _replacement_text(label, message, language)]

        self._panels.append(_Panel([component, column, replacement], values_in))

    def add_text(self, value_in: Callable[[Language], str]) -> None:
        """Place a sentence; if it raises a `UserError`, nothing, because its panel reports the reason."""

        def values_in(language: Language) -> list[Any]:
            try:
                text = value_in(language)
            except UserError:
                text = ""
            return [f"<p>{html_text(text)}</p>" if text else ""]

        self._panels.append(_Panel([gr.HTML(elem_classes="caption", padding=False)], values_in))

    def add_with_choosers(
        self,
        label: str,
        figure_in: Callable[..., go.Figure],
        list_names: Callable[[], list[str]],
        choosers: list[str],
        max_choices: int | None = None,
    ) -> None:
        """Place a figure of hyperparameters that are chosen in dropdowns.

        Args:
            label: key of the figure's label.
            figure_in: makes the figure from the language and what is chosen, one argument per dropdown.
            list_names: returns the hyperparameters; the first ones are chosen at the start.
            choosers: keys of the dropdowns' labels.
            max_choices: how many a dropdown takes, and has at the start; None: one per dropdown.
        """
        try:
            names = list_names()
            if len(names) < len(choosers):
                raise UserError("too_few_hyperparameters")
        except UserError as message:
            texts = {language: [_replacement_text(label, message, language)] for language in LANGUAGES}
            self._panels.append(_Panel([_add_replacement()], texts.__getitem__))
            return
        initial: list[Any] = [names[:max_choices]] if max_choices else names[: len(choosers)]
        with gr.Row():
            dropdowns = [
                gr.Dropdown(
                    names,
                    value=value,
                    multiselect=bool(max_choices),
                    max_choices=max_choices,
                    label=i18n(chooser),
                    min_width=200,
                )
                for chooser, value in zip(choosers, initial, strict=True)
            ]
        plot = gr.Plot(label=i18n(label), min_width=320, elem_classes="panel", elem_id=label.replace("_", "-"))
        _add_help(label)

        def draw(language: Language, *chosen: Any) -> go.Figure:
            try:
                return figure_in(language, *chosen)
            except UserError as message:
                return message_figure(message.text(language))

        def redraw(request: gr.Request, *chosen: Any) -> go.Figure:
            return draw(language_of(request), *chosen)

        def values_in(language: Language) -> list[Any]:
            choices = gr.update(choices=[(display_name(name, language), name) for name in names])
            return [draw(language, *initial), *([choices] * len(dropdowns))]

        self._panels.append(_Panel([plot, *dropdowns], values_in))
        gr.on([dropdown.input for dropdown in dropdowns], redraw, dropdowns, plot, **PRIVATE_EVENT)

    def load_with(self, demo: gr.Blocks) -> None:
        """Fill every panel when the page loads: only then its language is known."""

        values: dict[Language, list[Any]] = {}
        lock = Lock()

        def load(request: gr.Request) -> list[Any]:
            language = language_of(request)
            if language not in values:
                with lock:  # the first visitors do not make the same figures at the same time
                    if language not in values:
                        values[language] = [value for panel in self._panels for value in panel.values_in(language)]
            return values[language]

        outputs = [component for panel in self._panels for component in panel.components]
        demo.load(load, None, outputs, **PRIVATE_EVENT)


def _add_help(label: str) -> None:
    if f"{label}_help" in BROWSER_TEXT["en"]:
        gr.Markdown(i18n(f"{label}_help"), elem_classes="caption")


def _add_replacement() -> gr.Markdown:
    # The style sheet hides it while it is empty. With `visible`, Gradio sometimes leaves a component empty that is
    # shown and filled in the same event.
    return gr.Markdown(container=True, min_width=320, elem_classes="unavailable")


def _replacement_text(label: str, message: UserError, language: Language) -> str:
    return f"**{BROWSER_TEXT[language][label]}**\n\n{message.text(language)}"
