"""The tuning tab: the trials, how the search and the training went, what was best, and where the model errs."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui.figures.axes import display_value, format_value
from ui.figures.contour import plot_contour
from ui.figures.findings import findings_html
from ui.figures.history import plot_intermediate_values, plot_optimization_history, plot_timeline
from ui.figures.hyperparameters import plot_parallel_coordinate, plot_param_importances, plot_slice
from ui.figures.mistakes import SCRIPT, mistakes_html
from ui.figures.results import plot_calibration, plot_confusion_matrix, plot_learning_curve
from ui.i18n import Language, UserError, display_name, number, percent, translate
from ui.reports import parse as reports
from ui.reports.search import Search
from ui.tabs.lazy_panels import Parts
from ui.tabs.panels import i18n

MIN_R2 = 0.3  # below it the importance of hyperparameters says little
MAX_AXES = 7  # of the parallel coordinates: more are hard to follow
TABLE = {"interactive": False, "buttons": [], "max_height": 480}


def trials_table(folder: Path) -> dict[str, list]:
    """Return the trials as a table, headers and data, in the order tried, names as in trials.json.

    Raises:
        UserError: when trials.json is missing or damaged.
    """
    headers, data = reports.read_search(folder).table()
    return {"headers": headers, "data": [[_cell(value) for value in row] for row in data]}


def trials_shown(search: Search, language: Language) -> dict[str, Any]:
    """Return the trials as the page shows them: best first, in the person's language."""
    ranked = search.ranked()
    headers, data = ranked.table()
    names = {"trial_id": translate("trial", language), "score": display_name(search.objective, language)}
    rows = [
        [trial.order, display_name(trial.status, language), *row[2:]]
        for trial, row in zip(ranked.trials, data, strict=True)
    ]
    return {
        "headers": [names.get(name) or display_name(name, language) for name in headers],
        # An empty text among numbers would make a column sort as texts.
        "data": [[None if value is None else display_value(value, language) for value in row] for row in rows],
        "metadata": {"display_value": [[format_value(value, language) for value in row] for row in rows]},
    }


def hyperparameters_shown(search: Search, language: Language) -> dict[str, list]:
    """Return the best trial's hyperparameters as a table of names and values.

    Raises:
        UserError: when no trial has completed.
    """
    if search.best is None:
        raise UserError("no_trial_completed")
    rows = [
        [display_name(name, language), format_value(value, language)]
        for name, value in search.best.hyperparameters.items()
    ]
    return {"headers": [translate("hyperparameter", language), translate("value", language)], "data": rows}


def importance_told(search: Search, language: Language) -> str:
    """Return the sentence below the importance: how far it can be trusted; empty where there is none."""
    importance = search.importance
    if importance is None or importance.r2 is None:
        return ""
    key = "importance_explained" if importance.r2 >= MIN_R2 else "importance_doubtful"
    r2, share = number(importance.r2, ".2f", language), percent(importance.r2, language, 0)
    return translate(key, language, r2=r2, trials=importance.trials, share=share)


def tested_shown(folder: Path, language: Language) -> str:
    """Return the sentence below the confusion matrix; empty where there is no matrix."""
    try:
        evaluation = reports.read_evaluation(folder)
    except UserError:
        return ""
    rows, accuracy = number(evaluation.rows, ",", language), percent(evaluation.accuracy, language, 2)
    return translate("tested", language, accuracy=accuracy, rows=rows, split=evaluation.split)


def tab(demo: gr.Blocks, folder: Path) -> None:
    """Lay out the inside of the tab; the endpoint is `/trials`.

    The model does not change while the server runs, so everything is made once in each language, for who first asks.
    """
    parts = Parts()

    @cache
    def search() -> Search:
        return reports.read_search(folder)

    def of_search(made: Callable[..., Any]) -> Callable[..., Any]:
        return lambda language, *chosen: made(search(), *chosen, language)

    def names() -> list[str]:
        if not search().scored:
            raise UserError("no_trial_completed")
        found = [hyperparameter.name for hyperparameter in search().varied()]
        if not found:
            raise UserError("too_few_trials")
        return found

    def curve(language: Language) -> go.Figure:
        return plot_learning_curve(reports.read_training(folder), language)

    def matrix(language: Language) -> go.Figure:
        return plot_confusion_matrix(reports.read_evaluation(folder), language)

    def mistakes(language: Language) -> str:
        return mistakes_html(reports.read_mistakes(folder), language)

    def calibration(language: Language) -> go.Figure:
        return plot_calibration(reports.read_calibration(folder), language)

    gr.Markdown(i18n("tuning_guide"), elem_classes="guide")
    with gr.Tab(i18n("tuning_search")), gr.Row():
        with gr.Column(scale=3, min_width=320):
            parts.add("tuning_best_so_far", of_search(plot_optimization_history), gr.Plot)
            parts.add("tuning_intermediate", of_search(plot_intermediate_values), gr.Plot)
        with gr.Column(scale=2, min_width=320):
            parts.add(
                "tuning_hyperparameters",
                of_search(hyperparameters_shown),
                gr.Dataframe,
                wrap=True,
                column_widths=["55%", "45%"],
                **TABLE | {"max_height": 1200},  # whole: a cut table would look like all there is
            )
            parts.add("tuning_timeline", of_search(plot_timeline), gr.Plot)
    with gr.Tab(i18n("tuning_conclusions")):
        parts.add("tuning_findings", of_search(findings_html), gr.HTML, show_label=True, container=True)
    with gr.Tab(i18n("tuning_space")), gr.Row():
        with gr.Column(min_width=320):
            parts.add("tuning_importance", of_search(plot_param_importances), gr.Plot)
            parts.add_text(of_search(importance_told))
        with gr.Column(min_width=320):
            parts.add_chosen("tuning_slice", of_search(plot_slice), names, ["tuning_slice_of"])
    with gr.Tab(i18n("tuning_combinations")):
        parallel, contour = of_search(plot_parallel_coordinate), of_search(plot_contour)
        parts.add_chosen("tuning_parallel", parallel, names, ["tuning_parallel_of"], most=MAX_AXES)
        parts.add_chosen("tuning_contour", contour, names, ["tuning_contour_across", "tuning_contour_up"])
    with gr.Tab(i18n("tuning_table")):
        parts.add(
            "tuning_trials",
            of_search(trials_shown),
            gr.Dataframe,
            elem_id="tuning-trials",
            show_search="search",
            **TABLE,
        )
    with gr.Tab(i18n("tuning_model")), gr.Row():
        with gr.Column(min_width=320):
            parts.add("tuning_curve", curve, gr.Plot)
            parts.add("tuning_calibration", calibration, gr.Plot)
        with gr.Column(min_width=320):
            parts.add("tuning_confusion", matrix, gr.Plot, elem_id="tuning-confusion")
            parts.add_text(lambda language: tested_shown(folder, language))
            parts.add("tuning_mistakes", mistakes, gr.HTML, show_label=True, container=True, js_on_load=SCRIPT)
    parts.load_with(demo)

    def trials() -> dict[str, list]:
        """Return every trial of the search that chose the network, one row each."""
        return trials_table(folder)

    gr.on([], trials, None, gr.Dataframe(visible=False, label="trials"), api_name="trials")


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
