"""The tuning tab: the trials, how the search and the training went, what was best, and where the model is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from model.artifacts import STUDY_FILE
from ui.figures.contour import plot_contour
from ui.figures.curve_sentences import learning_curve_sentence, search_length_sentence, start_sentence
from ui.figures.findings import findings_html
from ui.figures.history import plot_intermediate_values, plot_optimization_history, plot_timeline
from ui.figures.hyperparameters import plot_parallel_coordinate, plot_param_importances, plot_slice
from ui.figures.mistakes import SCRIPT, mistakes_html
from ui.figures.results import calibration_sentence, plot_calibration, plot_confusion_matrix, plot_learning_curve
from ui.figures.study import factor_html, factor_names, factor_title, plot_factor, plot_factor_curves, study_html
from ui.i18n import Language, UserError
from ui.inference.supervisor import ModelSupervisor
from ui.reports import parse
from ui.reports.folder import ReportFolder
from ui.tabs.choosers import Choosers
from ui.tabs.lazy_panels import LazyPanels
from ui.tabs.panels import i18n
from ui.tabs.run_comparison import RunComparison
from ui.tabs.train_here import add_train_here
from ui.tabs.tuning_tables import (
    best_hyperparameters_table,
    evaluation_sentence,
    importance_sentence,
    ranked_trials_table,
    trials_table,
)

MAX_AXES = 7  # of the parallel coordinates: more are hard to follow
TABLE: dict[str, Any] = {"interactive": False, "buttons": [], "max_height": 480}
PANEL: dict[str, Any] = {"show_label": True, "container": True}  # of HTML
LESSONS = Path(__file__).parents[2] / "docs"  # tuning.md, tuning.es.md; a Space does not have them
LOCAL_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


class ReportFigures:
    """The figures of a folder's reports, each a function of the language; see `ui.figures`.

    The functions raise a `UserError` if a report is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder; its reports are read when they are needed, and again when they have changed."""
        self.reports = ReportFolder(folder)
        self._folder = folder

    def from_search(self, render: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the language, and of what is chosen, that renders the search."""
        return lambda language, *chosen: render(self.reports.search, *chosen, language)

    def from_study(self, render: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the language, and of what is chosen, that renders the study."""
        return lambda language, *chosen: render(self.reports.study, *chosen, language)

    def factor_names(self) -> list[str]:
        """Return the choices that the study measured."""
        return factor_names(self.reports.study)

    def varied_names(self) -> list[str]:
        """Return the hyperparameters that differ between trials."""
        if not self.reports.search.scored:
            raise UserError("no_trial_completed")
        names = [hyperparameter.name for hyperparameter in self.reports.search.varied()]
        if not names:
            raise UserError("too_few_trials")
        return names

    def learning_curve(self, language: Language) -> go.Figure:
        """Return the loss and the metrics of each epoch."""
        return plot_learning_curve(parse.read_training(self._folder), language)

    def learning_curve_sentence(self, language: Language) -> str:
        """Return what the learning curve shows."""
        return learning_curve_sentence(parse.read_training(self._folder), language)

    def confusion(self, language: Language) -> go.Figure:
        """Return the confusion matrix."""
        return plot_confusion_matrix(parse.read_evaluation(self._folder), language)

    def calibration(self, language: Language) -> go.Figure:
        """Return confidence against accuracy."""
        return plot_calibration(parse.read_calibration(self._folder), language)

    def calibration_sentence(self, language: Language) -> str:
        """Return what the calibration shows."""
        return calibration_sentence(parse.read_calibration(self._folder), language)

    def mistakes(self, language: Language) -> str:
        """Return the wrong answers as HTML."""
        return mistakes_html(parse.read_mistakes(self._folder), language)

    def evaluation(self, language: Language) -> str:
        """Return the sentence below the confusion matrix."""
        return evaluation_sentence(self._folder, language)


def add_tuning_tab(demo: gr.Blocks, supervisor: ModelSupervisor, compared: ReportFolder | None = None) -> gr.Tabs:
    """Place the tab's content; its endpoint is `/trials`. Returns its parts.

    Args:
        demo: the page.
        supervisor: of the model, and of the folder that has the reports.
        compared: another run, whose networks can be compared with those of this one.
    """
    folder = supervisor.reports_folder
    figures, panels = ReportFigures(folder), LazyPanels()
    comparison = RunComparison(figures.reports, compared, panels)
    with gr.Tabs() as parts:
        with gr.Tab(i18n("tuning_search"), id="search"):
            gr.Markdown(i18n("tuning_guide"), elem_classes="guide")
            with gr.Row():
                _layout_search(panels, figures)
        with gr.Tab(i18n("tuning_compare"), id="compare"):
            comparison.layout()
        with gr.Tab(i18n("tuning_conclusions"), id="conclusions"):
            if (folder / STUDY_FILE).is_file():
                _layout_study(panels, figures)
            else:
                panels.add("tuning_findings", figures.from_search(findings_html), gr.HTML, **PANEL)
            _layout_lessons(panels)
        with gr.Tab(i18n("tuning_try"), id="try"):
            add_train_here(supervisor)
        with gr.Tab(i18n("tuning_space"), id="space"), gr.Row():
            _layout_hyperparameters(panels, figures)
        with gr.Tab(i18n("tuning_combinations"), id="combinations"):
            _layout_combinations(panels, figures)
        with gr.Tab(i18n("tuning_table"), id="table"):
            table = figures.from_search(ranked_trials_table)
            comparison.select_from(panels.add("tuning_trials", table, gr.Dataframe, show_search="search", **TABLE))
            panels.add("tuning_timeline", figures.from_search(plot_timeline), gr.Plot)
        with gr.Tab(i18n("tuning_model"), id="model"), gr.Row():
            _layout_model(panels, figures)
    folders = [figures.reports, *([compared] if compared else [])]
    panels.load_with(demo, lambda: tuple(one.stamp for one in folders), is_live=supervisor.reports_change)
    _register_endpoint(folder)
    return parts


def _layout_study(panels: LazyPanels, figures: ReportFigures) -> None:
    factor = panels.add_choosers(Choosers(["tuning_study_of"], figures.factor_names, label_of=factor_title))
    with gr.Row():
        with gr.Column(min_width=320):
            panels.add("tuning_study", figures.from_study(plot_factor), gr.Plot, factor)
        with gr.Column(min_width=320):
            panels.add("tuning_study_curves", figures.from_study(plot_factor_curves), gr.Plot, factor)
    panels.add("tuning_study_values", figures.from_study(factor_html), gr.HTML, factor, **PANEL)
    panels.add("tuning_choices", figures.from_study(study_html), gr.HTML, **PANEL)


def _layout_lessons(panels: LazyPanels) -> None:
    """Place docs/tuning.md, if it is there, in the visitor's language."""
    if not (LESSONS / "tuning.md").is_file():
        return
    with gr.Accordion(i18n("tuning_lessons"), open=False, elem_id="tuning-lessons"):
        panels.add_values([gr.Markdown()], lambda language: [lessons_in(language)])


def lessons_in(language: Language) -> str:
    """Return docs/tuning.md in a language, or in English, without its title and the links to other files."""
    files = (LESSONS / f"tuning.{language}.md", LESSONS / "tuning.md")
    text = next(file for file in files if file.is_file()).read_text(encoding="utf-8")
    return LOCAL_LINK.sub(r"\1", text.split("\n", 3)[3])


def _layout_search(panels: LazyPanels, figures: ReportFigures) -> None:
    with gr.Column(scale=3, min_width=320):
        panels.add("tuning_running_best", figures.from_search(plot_optimization_history), gr.Plot)
        panels.add_text(figures.from_search(start_sentence))
        panels.add("tuning_intermediate", figures.from_search(plot_intermediate_values), gr.Plot)
        panels.add_text(figures.from_search(search_length_sentence))
    with gr.Column(scale=2, min_width=320):
        panels.add(
            "tuning_hyperparameters",
            figures.from_search(best_hyperparameters_table),
            gr.Dataframe,
            wrap=True,
            column_widths=["55%", "45%"],
            **TABLE | {"max_height": 1200},  # all rows: a table that is cut off would look complete
        )


def _layout_hyperparameters(panels: LazyPanels, figures: ReportFigures) -> None:
    with gr.Column(min_width=320):
        panels.add("tuning_importance", figures.from_search(plot_param_importances), gr.Plot)
        panels.add_text(figures.from_search(importance_sentence))
    with gr.Column(min_width=320):
        one = panels.add_choosers(Choosers(["tuning_slice_of"], figures.varied_names))
        panels.add("tuning_slice", figures.from_search(plot_slice), gr.Plot, one)


def _layout_combinations(panels: LazyPanels, figures: ReportFigures) -> None:
    several = panels.add_choosers(Choosers(["tuning_parallel_of"], figures.varied_names, MAX_AXES))
    panels.add("tuning_parallel", figures.from_search(plot_parallel_coordinate), gr.Plot, several)
    both = panels.add_choosers(Choosers(["tuning_contour_across", "tuning_contour_up"], figures.varied_names))
    panels.add("tuning_contour", figures.from_search(plot_contour), gr.Plot, both)


def _layout_model(panels: LazyPanels, figures: ReportFigures) -> None:
    with gr.Column(min_width=320):
        panels.add("tuning_curve", figures.learning_curve, gr.Plot)
        panels.add_text(figures.learning_curve_sentence)
        panels.add("tuning_calibration", figures.calibration, gr.Plot)
        panels.add_text(figures.calibration_sentence)
    with gr.Column(min_width=320):
        panels.add("tuning_confusion", figures.confusion, gr.Plot)
        panels.add_text(figures.evaluation)
        panels.add("tuning_mistakes", figures.mistakes, gr.HTML, js_on_load=SCRIPT, **PANEL)


def _register_endpoint(folder: Path) -> None:
    def trials() -> dict[str, list]:
        """Return every trial of the search that chose the network, one row each."""
        return trials_table(folder)

    gr.on([], trials, None, gr.Dataframe(visible=False, label="trials"), api_name="trials")
