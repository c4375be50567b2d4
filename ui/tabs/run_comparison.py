"""The selected trial, and the part of the tuning tab that compares two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui.figures.comparison import comparison_html, plot_comparison, run_title
from ui.figures.pareto import cost_names, pareto_sentence, plot_pareto
from ui.i18n import Language, language_of, translate
from ui.reports.folder import ReportFolder
from ui.reports.runs import MODEL_KEY, TRIAL_KEY, Run, list_runs
from ui.tabs.choosers import Choosers
from ui.tabs.lazy_panels import LazyPanels
from ui.tabs.panels import PRIVATE_EVENT

SCRIPT = Path(__file__).parents[1].joinpath("static", "trials.js").read_text(encoding="utf-8")
TEMPLATE = '<p class="selected-run" role="status"></p>'


class RunComparison:
    """Two runs of a folder: the first is the selected one, wherever on the tab it was selected."""

    def __init__(self, reports: ReportFolder, compared: ReportFolder | None, panels: LazyPanels) -> None:
        """Place the line that names the selected run.

        Args:
            reports: of the runs.
            compared: of other runs to compare these with.
            panels: that are filled when the page loads.
        """
        self._reports, self._compared, self._panels = reports, compared, panels
        self._listed: tuple[Any, dict[str, Run]] | None = None
        self.line = gr.HTML(
            None, html_template=TEMPLATE, js_on_load=SCRIPT, elem_id="tuning-selected", padding=False, container=False
        )

    def layout(self) -> None:
        """Place the Pareto plot, the two choosers, and what they compare."""
        panels, reports = self._panels, self._reports
        costs = panels.add_choosers(Choosers(["tuning_pareto_of"], lambda: cost_names(reports.search)))
        panels.add(
            "tuning_pareto",
            lambda language, cost: plot_pareto(reports.search, cost, language),
            gr.Plot,
            costs,
        )
        panels.add_text(lambda language, cost: pareto_sentence(reports.search, cost, language), costs)
        pair = panels.add_choosers(
            Choosers(["tuning_first", "tuning_second"], self._keys, label_of=self._title, first=self._first)
        )
        style = {"show_label": True, "container": True}
        table = panels.add("tuning_comparison", self._compare, gr.HTML, pair, **style)
        curves = panels.add("tuning_comparison_curves", self._plot, gr.Plot, pair)
        self._bind(pair, table, curves)

    def select_from(self, table: gr.Dataframe) -> None:
        """Select the trial of a row that is clicked, or reached with the arrow keys; call it after `layout`."""

        def choose(other: str, request: gr.Request, chosen: gr.SelectData) -> list[Any]:
            order = (chosen.row_value or [None])[0]
            return self.selected({"key": f"{TRIAL_KEY}:{order}"}, other, language_of(request))

        table.select(choose, self._second, self._outputs, **PRIVATE_EVENT)

    def _bind(self, pair: Choosers, table: gr.HTML, curves: gr.Plot) -> None:
        first, self._second = pair.dropdowns
        self._outputs = [self.line, first, self._second, table, curves]

        def select_point(selected: Any, other: str, request: gr.Request) -> list[Any]:
            return self.selected(selected, other, language_of(request))

        def name(key: str, request: gr.Request) -> Any:
            run = self.runs.get(key)
            return self._line(run, language_of(request)) if run else gr.skip()

        self.line.input(
            select_point, [self.line, self._second], self._outputs, trigger_mode="always_last", **PRIVATE_EVENT
        )
        first.input(name, first, self.line, **PRIVATE_EVENT)

    @property
    def runs(self) -> dict[str, Run]:
        """What can be compared, see `list_runs`."""
        stamp = self._reports.stamp, self._compared and self._compared.stamp
        if self._listed is None or self._listed[0] != stamp:
            self._listed = stamp, list_runs(self._reports, self._compared)
        return self._listed[1]

    def selected(self, selected: Any, other: str, language: Language) -> list[Any]:
        """Return the line, both choosers, the table and the curves for what was selected.

        Args:
            selected: what the browser sends: `{"key": …}`; anything else selects nothing.
            other: key of the run that it is compared with, if that is possible; else it is its rival.
            language: of the texts.
        """
        key = selected.get("key") if isinstance(selected, dict) else None
        runs = self.runs
        if not isinstance(key, str) or key not in runs:
            return [gr.skip()] * 5
        if other not in runs or runs[other].measured_on != runs[key].measured_on:
            other = runs[key].rival or self._first()[1]
        return [
            self._line(runs[key], language),
            gr.update(value=key),
            gr.update(value=other),
            comparison_html(runs[key], runs[other], language),
            plot_comparison(runs[key], runs[other], language),
        ]

    def _keys(self) -> list[str]:
        return list(self.runs)

    def _title(self, key: str, language: Language) -> str:
        return run_title(self.runs[key], language)

    def _first(self) -> list[str]:
        """Return what is compared at the start: the second trial with the best one, else the model with it."""
        keys = self._keys()
        trials = [key for key in keys if key != MODEL_KEY]
        return [*trials[1::-1], *keys][:2]

    def _compare(self, language: Language, first: str, second: str) -> str:
        return comparison_html(self.runs[first], self.runs[second], language)

    def _plot(self, language: Language, first: str, second: str) -> go.Figure:
        return plot_comparison(self.runs[first], self.runs[second], language)

    def _line(self, run: Run, language: Language) -> dict[str, str]:
        return {"key": run.key, "text": translate("selected_run", language, run=run_title(run, language))}
