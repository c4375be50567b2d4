"""Panels whose content is made when a visitor first asks for it in a language, and then kept while it stays true."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import gradio as gr

from ui.figures.style import message_figure
from ui.i18n import BROWSER_TEXT, Language, UserError, language_of
from ui.markup import html_text
from ui.tabs.choosers import Choosers
from ui.tabs.panels import PRIVATE_EVENT, i18n

REFRESH_S = 3.0  # between two looks at files that may change


@dataclass(frozen=True)
class _Panel:
    components: list[gr.blocks.Block]
    values_in: Callable[..., list[Any]]  # of the components, from the language and what is chosen
    choosers: Choosers | None = None


class LazyPanels:
    """The panels in their order. In one that cannot be shown, a sentence says why."""

    def __init__(self) -> None:
        """Start without any."""
        self._panels: list[_Panel] = []

    def add(
        self,
        label: str,
        value_in: Callable[..., Any],
        component_type: type,
        choosers: Choosers | None = None,
        **options: Any,
    ) -> gr.blocks.Block:
        """Place a component, and below it the text `<label>_help` on how to read it.

        Args:
            label: key of the label.
            value_in: makes the component's value in a language, from what is chosen; raises a `UserError` if it cannot
                be shown.
            component_type: such as `gr.Plot`.
            choosers: what it is made from.
            **options: of the component.
        """
        with gr.Column(min_width=320):
            style = {"elem_id": label.replace("_", "-"), "elem_classes": "panel"}
            component = component_type(label=i18n(label), min_width=320, **style | options)
            help_text = _add_help(label)

        def values_in(language: Language, *chosen: Any) -> list[Any]:
            try:
                value, is_shown = value_in(language, *(choosers.kept(*chosen) if choosers else ())), True
            except UserError as message:
                value, is_shown = _message(component, BROWSER_TEXT[language][label], message.text(language)), False
            return [value, *(gr.update(visible=is_shown) for _ in help_text)]

        self.add_values([component, *help_text], values_in, choosers)
        return component

    def add_text(self, value_in: Callable[..., str], choosers: Choosers | None = None) -> None:
        """Place a sentence; if it raises a `UserError`, nothing, because its panel reports the reason."""

        def values_in(language: Language, *chosen: Any) -> list[Any]:
            try:
                text = value_in(language, *(choosers.kept(*chosen) if choosers else ()))
            except UserError:
                text = ""
            return [f"<p>{html_text(text)}</p>" if text else ""]

        self.add_values([gr.HTML(elem_classes="caption", padding=False)], values_in, choosers)

    def add_choosers(self, choosers: Choosers) -> Choosers:
        """Fill dropdowns that were placed before."""
        self._panels.append(_Panel(list(choosers.dropdowns), choosers.values_in, choosers))
        return choosers

    def add_values(
        self,
        components: list[gr.blocks.Block],
        values_in: Callable[..., list[Any]],
        choosers: Choosers | None = None,
    ) -> None:
        """Fill components that were placed before, now and when something else is chosen."""
        self._panels.append(_Panel(components, values_in, choosers))
        if choosers is None:
            return

        def redraw(request: gr.Request, *chosen: Any) -> Any:
            values = values_in(language_of(request), *chosen)
            return values if len(components) > 1 else values[0]

        events = [dropdown.input for dropdown in choosers.dropdowns]
        gr.on(events, redraw, choosers.dropdowns, components, trigger_mode="always_last", **PRIVATE_EVENT)

    def load_with(self, demo: gr.Blocks, stamp: Callable[[], Hashable] = lambda: None, is_live: bool = False) -> None:
        """Fill every panel when the page loads: only then its language is known.

        Args:
            demo: the page.
            stamp: what changes when the panels would show something else.
            is_live: whether it may change while the page is open; then the panels follow, with what was chosen.
        """
        made: dict[Language, tuple[Hashable, list[Any]]] = {}
        lock = Lock()

        def load(request: gr.Request) -> list[Any]:
            language, now = language_of(request), stamp()
            if language not in made or made[language][0] != now:
                with lock:  # the first visitors do not make the same figures at the same time
                    if language not in made or made[language][0] != now:
                        made[language] = now, [value for panel in self._panels for value in panel.values_in(language)]
            return [*made[language][1], *([made[language][0]] if is_live else [])]

        seen = [gr.State()] if is_live else []
        outputs = [*(component for panel in self._panels for component in panel.components), *seen]
        demo.load(load, None, outputs, **PRIVATE_EVENT)
        if is_live:
            self._follow(stamp, outputs)

    def _follow(self, stamp: Callable[[], Hashable], outputs: list[gr.blocks.Block]) -> None:
        """Fill the panels again when the stamp has changed. While it has not, a look costs a few calls of `stat`.

        Args:
            stamp: see `load_with`.
            outputs: of all panels, and the state that holds the stamp that they were made with.
        """
        dropdowns = [one for panel in self._panels if panel.choosers for one in panel.choosers.dropdowns]
        dropdowns = list(dict.fromkeys(dropdowns))

        def refresh(request: gr.Request, known: Hashable, *chosen: Any) -> Any:
            now = stamp()
            if known in (None, now):
                return gr.skip()
            value_of = dict(zip(dropdowns, chosen, strict=True))
            values: list[Any] = []
            for panel in self._panels:
                of_panel = [value_of[one] for one in panel.choosers.dropdowns] if panel.choosers else []
                values += panel.values_in(language_of(request), *of_panel)
            return [*values, now]

        gr.Timer(REFRESH_S).tick(refresh, [outputs[-1], *dropdowns], outputs, **PRIVATE_EVENT)


def _add_help(label: str) -> list[gr.Markdown]:
    if f"{label}_help" not in BROWSER_TEXT["en"]:
        return []
    return [gr.Markdown(i18n(f"{label}_help"), elem_classes="caption")]


def _message(component: gr.blocks.Block, label: str, text: str) -> Any:
    """Return a component's value that is a sentence."""
    if isinstance(component, gr.Plot):
        return message_figure(text.replace("`", ""))
    if isinstance(component, gr.Dataframe):
        return {"headers": [label], "data": [[text.replace("`", "")]]}
    parts = html_text(text).split("`")  # every second one is code
    shown = "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
    return f'<p class="unavailable">{shown}</p>'
