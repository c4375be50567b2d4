"""A search's figures: what each shows, the messages instead of them, and what an untrusted trials.json cannot do."""

import copy
import json
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from tests.support.search_report import EVIL, REPORT, SPACE
from ui.figures.contour import plot_contour
from ui.figures.history import plot_intermediate_values, plot_optimization_history, plot_timeline
from ui.figures.hyperparameters import plot_parallel_coordinate, plot_param_importances, plot_slice
from ui.i18n import LANGUAGES, SERVER_TEXT, UserError
from ui.reports import parse as reports
from ui.reports.search import Search
from ui.tabs import tuning, tuning_tables

BUNDLED = Path(__file__).parents[4] / "model" / "pretrained"


def read(folder: Path, **changes) -> Search:
    (folder / "trials.json").write_text(json.dumps(REPORT | changes))
    return reports.read_search(folder)


@pytest.fixture
def search(tmp_path) -> Search:
    return read(tmp_path)


def figures(search: Search, language: str = "es") -> list:
    """Make every figure and table of a search, each one or the message in its place."""
    names = [hyperparameter.name for hyperparameter in search.varied()]
    calls = [
        (plot_optimization_history,),
        (plot_intermediate_values,),
        (plot_timeline,),
        (plot_param_importances,),
        (plot_parallel_coordinate, names),
        *((plot_slice, name) for name in names),
        *((plot_contour, across, up) for across, up in combinations(names, 2)),
        (tuning_tables.ranked_trials_table,),
        (tuning_tables.best_hyperparameters_table,),
        (tuning_tables.importance_sentence,),
    ]
    made = []
    for make, *arguments in calls:
        try:
            made.append(make(search, *arguments, language))
        except UserError as message:
            made.append(message)
    return made


# --- What each figure shows ---


def test_optimization_history_shows_trials_and_running_best(search):
    trials, best = plot_optimization_history(search, "es").data
    completed = [trial for trial in search.trials if trial.score is not None]
    assert list(trials.x) == list(best.x) == [trial.order for trial in completed]
    assert list(best.y)[:3] == [0.9, 0.902, 0.904] and best.y[-1] == max(best.y)


def test_optimization_history_far_trial_is_triangle_at_border(search):
    trials = plot_optimization_history(search, "es").data[0]
    place = list(trials.x).index(7)
    assert trials.marker.symbol[place] == "triangle-down" and set(trials.marker.symbol) == {"circle", "triangle-down"}
    assert trials.y[place] == min(trials.y) == 0.9
    assert "0,1" in trials.hovertext[place]


def test_optimization_history_minimized_objective_puts_worst_above(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])
    for trial in trials:
        trial["score"] = trial["score"] and 1 - trial["score"]
    search = read(tmp_path, trials=trials, objective={"name": "val_loss", "direction": "min"})
    assert plot_optimization_history(search, "es").data[0].marker.symbol[6] == "triangle-up"


def test_intermediate_values_one_line_per_trial_and_best_separate(search):
    others, best = plot_intermediate_values(search, "es").data
    assert list(best.x) == [1, 2, None] and list(best.y)[:2] == pytest.approx([0.948, 0.958])
    assert list(others.x).count(None) == 29
    assert plot_intermediate_values(search, "es").layout.yaxis.range[0] > 0.5


def test_timeline_shows_start_length_and_failure_reason(search):
    figure = plot_timeline(search, "en")
    bars = {bar.name: bar for bar in figure.data}
    assert list(bars) == ["completed", "failed", "unfinished"]
    assert figure.layout.xaxis.title.text == "minutes since the start"
    assert bars["failed"].base == (5.0,) and bars["failed"].x == (0.5,) and bars["failed"].y == (5,)
    assert "out of memory" in bars["failed"].hovertext[0]
    assert bars["unfinished"].x == (25 / 60,)  # no end is noted


def test_importance_is_sorted_as_in_file(search):
    bars = plot_param_importances(search, "es").data[0]
    assert list(bars.x) == [0.5, 0.31, 0.01] and list(bars.error_x.array) == [0.1, 0.04, 0.1]
    assert [hyperparameter.name for hyperparameter in search.varied()][:2] == ["blocks", "learning_rate"]


@pytest.mark.parametrize(
    ("r2", "expected"), [(0.61, "explains 61%"), (0.1, "say little"), (-0.4, "say little"), (None, "")]
)
def test_importance_sentence_says_how_much_is_explained(tmp_path, r2, expected):
    sentence = tuning_tables.importance_sentence(read(tmp_path, importance=REPORT["importance"] | {"r2": r2}), "en")
    assert expected in sentence and bool(expected) == bool(sentence)


def test_slice_choices_are_boxes_and_rates_logarithmic(search):
    boxes, trials, best = plot_slice(search, "blocks", "es").data
    assert boxes.type == "box" and set(boxes.x) == {0, 1, 2} and len(trials.y) == 28
    assert all(abs(x - place) <= 0.25 for x, place in zip(trials.x, boxes.x, strict=True))
    assert list(best.y) == pytest.approx([0.958])
    rates = plot_slice(search, "learning_rate", "es")
    assert rates.data[0].type == "scatter" and rates.data[0].x[0] == pytest.approx(-4)
    assert "0,01" in rates.layout.xaxis.ticktext and len(rates.data[0].x) == 28


def test_slice_skips_trials_without_the_hyperparameter(search):
    assert len(plot_slice(search, "l2", "es").data[0].x) == 13


def test_contour_cells_hold_mean_score_or_none(search):
    surface = plot_contour(search, "optimizer", "blocks", "es").data[0]
    of_a_cell = [t.score for t in search.scored if t.order % 2 == 1 and t.order % 3 == 2]
    assert surface.type == "heatmap" and surface.z[2][1] == pytest.approx(sum(of_a_cell) / len(of_a_cell))
    assert any(None in row for row in plot_contour(search, EVIL, "optimizer", "es").data[0].z)


def test_contour_two_ranges_with_many_trials_is_surface(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])
    for number, trial in enumerate(trials):
        trial["hyperparameters"]["l2"] = 1e-6 * (1 + 7 * number % 30)
    figure = plot_contour(read(tmp_path, trials=trials), "learning_rate", "l2", "es")
    values = [value for row in figure.data[0].z for value in row]
    assert figure.data[0].type == "contour" and None in values
    assert 0.1 <= min(v for v in values if v is not None) <= max(v for v in values if v is not None) <= 0.958


def test_parallel_unused_hyperparameter_is_lowest(search):
    blocks, penalty, score = plot_parallel_coordinate(search, ["blocks", "l2"], "en").data[0].dimensions
    assert [blocks.label, penalty.label, score.label] == ["blocks", "L2 weight", "score"]
    assert penalty.ticktext[0] == "–" and list(penalty.values).count(penalty.tickvals[0]) == 15
    assert list(score.values) == sorted(score.values)  # the best are drawn last


def test_varied_hyperparameters_missing_in_best_trial_come_last(tmp_path):
    space = [{"name": name, "values": [0, 1], "default": 0, "when": {}} for name in ("l1", "blocks")]
    trials = [
        REPORT["trials"][0] | {"trial_id": str(n), "score": 0.9 - 0.01 * n, "hyperparameters": point}
        for n, point in enumerate([{"blocks": 0}, {"blocks": 1, "l1": 0}, {"blocks": 1, "l1": 1}])
    ]
    values = [{"name": name, "importance": weight, "std": 0.0} for name, weight in (("l1", 0.9), ("blocks", 0.1))]
    report = {"space": space, "trials": trials, "best_trial": "0"}
    search = read(tmp_path, **report, importance=REPORT["importance"] | {"values": values})
    assert [hyperparameter.name for hyperparameter in search.varied()] == ["blocks", "l1"]


def test_varied_learning_rate_is_one_with_fixed_optimizer(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])[::2]
    for trial in trials:
        del trial["hyperparameters"]["optimizer"]
    search = read(tmp_path, trials=trials, best_trial=None)
    assert "learning_rate" in {hyperparameter.name for hyperparameter in search.varied()}


# --- What takes a figure's place ---


def keys(made: list) -> set[str]:
    return {one.key for one in made if isinstance(one, UserError)}


def test_figures_whole_search_has_all(search):
    for language in LANGUAGES:
        assert keys(figures(search, language)) == set()


def test_contour_same_hyperparameter_is_refused(search):
    with pytest.raises(UserError) as caught:
        plot_contour(search, "blocks", "blocks", "es")
    assert caught.value.key == "same_hyperparameter"


def test_figures_bundled_search_has_all_but_importance():
    search = reports.read_search(BUNDLED)
    assert keys(figures(search)) <= {"no_importance"}
    assert len(search.varied()) > 1


@pytest.mark.parametrize(
    ("trials", "best", "expected"),
    [
        ([], None, {"no_trial_completed", "no_epochs", "no_times", "too_few_trials"}),
        ([5], None, {"no_trial_completed", "no_epochs", "too_few_trials"}),
        ([0], "00", set()),
    ],
)
def test_figures_few_trials_have_messages(tmp_path, trials, best, expected):
    search = read(tmp_path, trials=[REPORT["trials"][i] for i in trials], best_trial=best, importance=None)
    found = keys(figures(search))
    assert expected - {"too_few_trials"} <= found and "no_importance" in found
    with pytest.raises(UserError) as caught:
        plot_slice(search, "blocks", "es")
    assert caught.value.key == "too_few_trials"


@pytest.mark.parametrize(("names", "key"), [([], "no_axes"), (["nothing"], "too_few_trials")])
def test_parallel_impossible_axes_are_refused(search, names, key):
    with pytest.raises(UserError) as caught:
        plot_parallel_coordinate(search, names, "es")
    assert caught.value.key == key


def test_figures_without_times_have_messages(tmp_path):
    trials = [trial | {"started": None, "history": []} for trial in REPORT["trials"]]
    assert {"no_times", "no_epochs"} <= keys(figures(read(tmp_path, trials=trials)))


def test_tab_impossible_choice_shows_message_instead_of_figure(tmp_path):
    read(tmp_path)
    with gr.Blocks() as demo:
        tuning.add_tuning_tab(demo, tmp_path)
    redraws = [function.fn for function in demo.fns.values() if function.name == "redraw"]
    spanish = SimpleNamespace(headers={"accept-language": "es"})
    shown = redraws[-1](spanish, "blocks", "blocks").layout.annotations[0].text.replace("<br>", " ")
    assert shown == SERVER_TEXT["es"]["same_hyperparameter"]
    assert redraws[-1](spanish, "blocks", "optimizer").data


# --- An untrusted file ---


def test_figures_untrusted_text_is_escaped(search):
    for made in figures(search):
        if hasattr(made, "to_json"):
            text = made.to_json()
            assert "<img" not in text and "<b>a" not in text.replace("\\u003c", "<")


def places(value, path=()):
    """Yield the path of every value inside a value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


SMALL = {**REPORT, "space": SPACE[:3], "trials": REPORT["trials"][:2], "best_trial": "01"}
ODD = [None, EVIL]
ODDER = [-1, float("nan"), [[[1]]], {}, 10**400, 1e99]


@pytest.mark.parametrize(
    "odd", [*ODD, *(pytest.param(odd, marks=pytest.mark.slow) for odd in ODDER)], ids=lambda odd: str(odd)[:12]
)
def test_read_search_odd_value_anywhere_is_damaged_or_shown(tmp_path, odd):
    whole = read(tmp_path, **SMALL)
    for path in places(SMALL):
        if path[:2] == ("trials", 0):
            continue  # of two trials one is enough
        report = copy.deepcopy(SMALL)
        inner = report
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = odd
        try:
            search = read(tmp_path, **report)
        except UserError as message:
            assert message.key == "report_damaged", path
            continue
        if search != whole:  # not all of a file is read
            figures(search)


@pytest.mark.parametrize("field", ["score", "seconds", "parameters"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", '"0.9"', "true", "[]"])
def test_read_search_wrong_number_is_damaged(tmp_path, field, value):
    text = json.dumps(REPORT | {"trials": [REPORT["trials"][0] | {field: "HERE"}], "best_trial": None})
    (tmp_path / "trials.json").write_text(text.replace('"HERE"', value))
    with pytest.raises(UserError) as caught:
        reports.read_search(tmp_path)
    assert caught.value.key == "report_damaged"


def test_tab_empty_search_is_built(tmp_path):
    (tmp_path / "trials.json").write_text(json.dumps(REPORT | {"trials": [], "best_trial": None, "importance": None}))
    with gr.Blocks() as demo:
        tuning.add_tuning_tab(demo, tmp_path)
    assert any(function.name == "load" for function in demo.fns.values())
