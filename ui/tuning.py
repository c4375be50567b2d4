"""The tuning tab: the trials, how the search and the training went, what was best, and where the model errs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui import plots, reports
from ui.reports import Search
from ui.text import LANGUAGES, SPOKEN, STATIC, Language, Message, i18n, language_of, word
from ui.upload import told


def trials_table(folder: Path) -> dict[str, list]:
    """Return the trials as a table, headers and data, in the order tried, names as in trials.json.

    Raises:
        Message: when trials.json is missing or damaged.
    """
    headers, data = reports.read_search(folder).table()
    return {"headers": headers, "data": [[_cell(value) for value in row] for row in data]}


def trials_shown(search: Search, language: Language) -> dict[str, list]:
    """Return the trials as the page shows them: best first, in the person's language."""
    ranked = search.ranked()
    headers, data = ranked.table()
    names = {"trial_id": word("trial", language), "score": plots.metric(search.objective, language)}
    return {
        "headers": [names.get(name) or word(name, language) for name in headers],
        "data": [
            [trial.order, word(trial.status, language), *(shown(value, language) for value in row[2:])]
            for trial, row in zip(ranked.trials, data, strict=True)
        ],
    }


def hyperparameters_shown(search: Search, language: Language) -> dict[str, list]:
    """Return the best trial's hyperparameters as a table of names and values.

    Raises:
        Message: when no trial has completed.
    """
    if search.best is None:
        raise Message("no_trial_completed")
    rows = [[word(name, language), shown(value, language)] for name, value in search.best.hyperparameters.items()]
    return {"headers": [word("hyperparameter", language), word("value", language)], "data": rows}


def shown(value: Any, language: Language) -> str | int | float:
    """Return a value of a report for a cell: numbers stay numbers, so that columns sort, with four digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return word("yes" if value else "no", language)
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list):
        return ", ".join(str(shown(item, language)) for item in value)
    return value if isinstance(value, int) else SPOKEN[language].get(str(value), str(value))


def best_so_far_shown(search: Search, language: Language) -> go.Figure:
    """Return the figure of the search.

    Raises:
        Message: when no trial has completed.
    """
    if not search.best_so_far():
        raise Message("no_trial_completed")
    return plots.best_so_far(search, language)


def tested_shown(folder: Path, language: Language) -> str:
    """Return the sentence below the confusion matrix; empty where there is no matrix."""
    try:
        evaluation = reports.read_evaluation(folder)
    except Message:
        return ""
    rows = f"{evaluation.rows:,}".replace(",", "\u202f" if language == "es" else ",")  # a thin space in Spanish
    accuracy = f"{100 * evaluation.accuracy:.2f}"
    return Message("tested", accuracy=accuracy, rows=rows, split=evaluation.split).text(language)


def tab(demo: gr.Blocks, folder: Path) -> None:
    """Lay out the inside of the tab; the endpoint is `/trials`.

    The model does not change while the server runs, so everything is made once in each language; what a page shows is
    sent when it loads, because only then is its language known.
    """
    parts: list[tuple[gr.components.Component, dict[Language, Any]]] = []

    def part(label: str, value_in: Callable[[Language], Any], kind: type, **options: Any) -> None:
        try:
            values = {language: value_in(language) for language in LANGUAGES}
            component = kind(label=i18n(label), min_width=320, elem_classes="panel", **options)
        except Message as message:  # a sentence takes the component's place
            values = {lang: f"**{STATIC[lang][label]}**\n\n{message.text(lang)}" for lang in LANGUAGES}
            component = gr.Markdown(container=True, min_width=320, elem_classes="absent")
        parts.append((component, values))

    search, training, evaluation = (
        lambda: reports.read_search(folder),
        lambda: reports.read_training(folder),
        lambda: reports.read_evaluation(folder),
    )
    table = {"interactive": False, "buttons": [], "max_height": 420}
    gr.Markdown(i18n("tuning_guide"), elem_classes="guide")
    with gr.Row():
        part("tuning_best_so_far", lambda language: best_so_far_shown(search(), language), gr.Plot)
        part("tuning_curve", lambda language: plots.learning_curve(training(), language), gr.Plot)
    part("tuning_trials", lambda language: trials_shown(search(), language), gr.Dataframe, **table)
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            part(
                "tuning_hyperparameters",
                lambda language: hyperparameters_shown(search(), language),
                gr.Dataframe,
                **table,
            )
        with gr.Column(scale=3, min_width=320):
            part("tuning_confusion", lambda language: plots.confusion(evaluation(), language), gr.Plot)
            tested = gr.Markdown()
            parts.append((tested, {language: tested_shown(folder, language) for language in LANGUAGES}))

    def load(request: gr.Request) -> list[Any]:
        return [values[language_of(request)] for _, values in parts]

    demo.load(load, None, [component for component, _ in parts], api_visibility="private", show_progress="hidden")

    def trials(request: gr.Request) -> dict[str, list]:
        """Return every trial of the search that chose the network, one row each."""
        with told(request):
            return trials_table(folder)

    gr.on([], trials, None, gr.Dataframe(visible=False, label="trials"), api_name="trials")


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
