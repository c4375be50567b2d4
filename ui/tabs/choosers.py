"""Dropdowns from whose values panels are made."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from ui.i18n import DEFAULT, Language, UserError, display_name
from ui.tabs.panels import i18n


class Choosers:
    """Dropdowns and what can be chosen in them, which may change.

    Attributes:
        dropdowns: in the order of the arguments of what is made from them.
    """

    def __init__(
        self,
        labels: list[str],
        list_names: Callable[[], list[str]],
        max_choices: int | None = None,
        label_of: Callable[[str, Language], str] = display_name,
        first: Callable[[], list[str]] = list,
    ) -> None:
        """Place one dropdown per label.

        Args:
            labels: their keys.
            list_names: returns what can be chosen; raises a `UserError` if there is nothing.
            max_choices: how many one dropdown takes, and has at the start; None: one per dropdown.
            label_of: a choice in a language.
            first: returns what is chosen at the start, as far as it can be chosen; else it is what is listed first.
        """
        self._count, self._list_names, self._max_choices = len(labels), list_names, max_choices
        self._label_of, self._first = label_of, first
        # The choices are there from the start: Gradio checks what is chosen, and drops the state of old visitors.
        try:
            names, values = list_names(), self.kept()
        except UserError:
            names, values = [], [None] * len(labels)
        with gr.Row():
            self.dropdowns = [
                gr.Dropdown(
                    [(label_of(name, DEFAULT), name) for name in names],
                    value=value,
                    multiselect=bool(max_choices),
                    max_choices=max_choices,
                    label=i18n(label),
                    elem_id=label.replace("_", "-"),
                    min_width=200,
                )
                for label, value in zip(labels, values, strict=True)
            ]

    def kept(self, *chosen: Any) -> list[Any]:
        """Return what is chosen; for what is not, or no longer, possible, what is chosen at the start.

        Raises:
            UserError: if there is too little to choose.
        """
        names = self._list_names()
        if len(names) < self._count:
            raise UserError("too_few_hyperparameters")
        if self._max_choices:
            return [[name for name in chosen[0] or () if name in names] if chosen else names[: self._max_choices]]
        start = [name for name in dict.fromkeys([*self._first(), *names]) if name in names][: self._count]
        return [one if one in names else usual for one, usual in zip(chosen or start, start, strict=True)]

    def values_in(self, language: Language, *chosen: Any) -> list[Any]:
        """Return the dropdowns' choices in a language; without anything to choose they are closed."""
        try:
            values = self.kept(*chosen)
        except UserError:
            return [gr.update(choices=[], value=None, interactive=False)] * self._count
        choices = [(self._label_of(name, language), name) for name in self._list_names()]
        return [gr.update(choices=choices, value=value, interactive=True) for value in values]
