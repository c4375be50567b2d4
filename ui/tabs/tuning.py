"""The tuning tab: the trials, how the search and the training went, what was best, and where the model is wrong."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from model.artifacts import STUDY_FILE
from model.io.reports.study import StudyReport
from ui.figures.contour import plot_contour
from ui.figures.findings import findings_html
from ui.figures.history import plot_intermediate_values, plot_optimization_history, plot_timeline
from ui.figures.hyperparameters import plot_parallel_coordinate, plot_param_importances, plot_slice
from ui.figures.mistakes import SCRIPT, mistakes_html
from ui.figures.results import plot_calibration, plot_confusion_matrix, plot_learning_curve
from ui.figures.study import factor_names, plot_factor, plot_factor_curves, study_html
from ui.i18n import Language, UserError
from ui.inference.supervisor import ModelSupervisor
from ui.reports import parse
from ui.reports.search import Search
from ui.tabs.lazy_panels import LazyPanels
from ui.tabs.panels import i18n
from ui.tabs.train_here import add_train_here
from ui.tabs.tuning_tables import (
    best_hyperparameters_table,
    evaluation_sentence,
    importance_sentence,
    ranked_trials_table,
    trials_table,
)

MAX_AXES = 7  # of the parallel coordinates: more are hard to follow
TABLE = {"interactive": False, "buttons": [], "max_height": 480}


class ReportFigures:
    """The figures of a model folder's reports, each a function of the language; see `ui.figures`.

    The functions raise a `UserError` if a report is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder; its reports are read when they are needed."""
        self._folder = folder

    @cached_property
    def search(self) -> Search:
        """The trials, read once: the model does not change while the server runs."""
        return parse.read_search(self._folder)

    def from_search(self, render: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the language, and of what is chosen, that renders the search."""
        return lambda language, *chosen: render(self.search, *chosen, language)

    @cached_property
    def study(self) -> StudyReport:
        """The study, read once."""
        return parse.read_study(self._folder)

    def from_study(self, render: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the language, and of what is chosen, that renders the study."""
        return lambda language, *chosen: render(self.study, *chosen, language)

    def factor_names(self) -> list[str]:
        """Return the choices that the study measured."""
        return factor_names(self.study)

    def varied_names(self) -> list[str]:
        """Return the hyperparameters that differ between trials."""
        if not self.search.scored:
            raise UserError("no_trial_completed")
        names = [hyperparameter.name for hyperparameter in self.search.varied()]
        if not names:
            raise UserError("too_few_trials")
        return names

    def learning_curve(self, language: Language) -> go.Figure:
        """Return the loss and the metrics of each epoch."""
        return plot_learning_curve(parse.read_training(self._folder), language)

    def confusion(self, language: Language) -> go.Figure:
        """Return the confusion matrix."""
        return plot_confusion_matrix(parse.read_evaluation(self._folder), language)

    def calibration(self, language: Language) -> go.Figure:
        """Return confidence against accuracy."""
        return plot_calibration(parse.read_calibration(self._folder), language)

    def mistakes(self, language: Language) -> str:
        """Return the wrong answers as HTML."""
        return mistakes_html(parse.read_mistakes(self._folder), language)

    def evaluation(self, language: Language) -> str:
        """Return the sentence below the confusion matrix."""
        return evaluation_sentence(self._folder, language)


def add_tuning_tab(demo: gr.Blocks, supervisor: ModelSupervisor) -> None:
    """Place the tab's content; its endpoint is `/trials`.

    Args:
        demo: the page.
        supervisor: of the model, whose folder has the reports.
    """
    figures, panels = ReportFigures(supervisor.folder), LazyPanels()
    gr.Markdown(i18n("tuning_guide"), elem_classes="guide")
    with gr.Tab(i18n("tuning_search")), gr.Row():
        _layout_search(panels, figures)
    with gr.Tab(i18n("tuning_conclusions")):
        if (supervisor.folder / STUDY_FILE).is_file():
            _layout_study(panels, figures)
        else:
            panels.add("tuning_findings", figures.from_search(findings_html), gr.HTML, show_label=True, container=True)
    with gr.Tab(i18n("tuning_try")):
        add_train_here(supervisor)
    with gr.Tab(i18n("tuning_space")), gr.Row():
        _layout_hyperparameters(panels, figures)
    with gr.Tab(i18n("tuning_combinations")):
        _layout_combinations(panels, figures)
    with gr.Tab(i18n("tuning_table")):
        table = figures.from_search(ranked_trials_table)
        panels.add("tuning_trials", table, gr.Dataframe, elem_id="tuning-trials", show_search="search", **TABLE)
    with gr.Tab(i18n("tuning_model")), gr.Row():
        _layout_model(panels, figures)
    panels.load_with(demo)
    _register_endpoint(supervisor.folder)


def _layout_study(panels: LazyPanels, figures: ReportFigures) -> None:
    with gr.Row():
        with gr.Column(min_width=320):
            plot = figures.from_study(plot_factor)
            panels.add_with_choosers("tuning_study", plot, figures.factor_names, ["tuning_study_of"])
        with gr.Column(min_width=320):
            curves = figures.from_study(plot_factor_curves)
            panels.add_with_choosers("tuning_study_curves", curves, figures.factor_names, ["tuning_study_of"])
    panels.add("tuning_choices", figures.from_study(study_html), gr.HTML, show_label=True, container=True)


def _layout_search(panels: LazyPanels, figures: ReportFigures) -> None:
    with gr.Column(scale=3, min_width=320):
        panels.add("tuning_running_best", figures.from_search(plot_optimization_history), gr.Plot)
        panels.add("tuning_intermediate", figures.from_search(plot_intermediate_values), gr.Plot)
    with gr.Column(scale=2, min_width=320):
        panels.add(
            "tuning_hyperparameters",
            figures.from_search(best_hyperparameters_table),
            gr.Dataframe,
            wrap=True,
            column_widths=["55%", "45%"],
            **TABLE | {"max_height": 1200},  # all rows: a table that is cut off would look complete
        )
        panels.add("tuning_timeline", figures.from_search(plot_timeline), gr.Plot)


def _layout_hyperparameters(panels: LazyPanels, figures: ReportFigures) -> None:
    with gr.Column(min_width=320):
        panels.add("tuning_importance", figures.from_search(plot_param_importances), gr.Plot)
        panels.add_text(figures.from_search(importance_sentence))
    with gr.Column(min_width=320):
        slice_of = figures.from_search(plot_slice)
        panels.add_with_choosers("tuning_slice", slice_of, figures.varied_names, ["tuning_slice_of"])


def _layout_combinations(panels: LazyPanels, figures: ReportFigures) -> None:
    parallel, contour = figures.from_search(plot_parallel_coordinate), figures.from_search(plot_contour)
    panels.add_with_choosers(
        "tuning_parallel", parallel, figures.varied_names, ["tuning_parallel_of"], max_choices=MAX_AXES
    )
    axes = ["tuning_contour_across", "tuning_contour_up"]
    panels.add_with_choosers("tuning_contour", contour, figures.varied_names, axes)


def _layout_model(panels: LazyPanels, figures: ReportFigures) -> None:
    with gr.Column(min_width=320):
        panels.add("tuning_curve", figures.learning_curve, gr.Plot)
        panels.add("tuning_calibration", figures.calibration, gr.Plot)
    with gr.Column(min_width=320):
        panels.add("tuning_confusion", figures.confusion, gr.Plot, elem_id="tuning-confusion")
        panels.add_text(figures.evaluation)
        panels.add("tuning_mistakes", figures.mistakes, gr.HTML, show_label=True, container=True, js_on_load=SCRIPT)


def _register_endpoint(folder: Path) -> None:
    def trials() -> dict[str, list]:
        """Return every trial of the search that chose the network, one row each."""
        return trials_table(folder)

    gr.on([], trials, None, gr.Dataframe(visible=False, label="trials"), api_name="trials")
