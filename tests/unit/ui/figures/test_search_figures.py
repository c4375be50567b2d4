"""All figures and tables of a search: which can be made, what takes the place of the others, and hostile reports."""

import copy
from itertools import combinations

import pytest

from model.io.locate import PRETRAINED
from tests.support.search_report import EVIL, REPORT, SPACE, read_report
from ui.figures.comparison import comparison_html, plot_comparison
from ui.figures.contour import plot_contour
from ui.figures.curve_sentences import search_length_sentence, start_sentence
from ui.figures.findings import findings_html
from ui.figures.history import plot_intermediate_values, plot_optimization_history, plot_timeline
from ui.figures.hyperparameters import plot_parallel_coordinate, plot_param_importances, plot_slice
from ui.figures.pareto import COSTS, pareto_sentence, plot_pareto
from ui.i18n import LANGUAGES, UserError
from ui.reports import parse
from ui.reports.runs import trial_runs
from ui.reports.search import Search
from ui.tabs import tuning_tables


def compare_best(search: Search, language: str) -> tuple:
    """Compare the best trial with the worst."""
    runs = trial_runs(search)
    if not runs:
        raise UserError("no_trial_completed")
    return comparison_html(runs[0], runs[-1], language), plot_comparison(runs[0], runs[-1], language)


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
        (findings_html,),
        (start_sentence,),
        (search_length_sentence,),
        *((plot_pareto, cost) for cost in COSTS),
        *((pareto_sentence, cost) for cost in COSTS),
        (compare_best,),
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


def keys(made: list) -> set[str]:
    return {one.key for one in made if isinstance(one, UserError)}


def test_figures_whole_search_has_all(search):
    for language in LANGUAGES:
        assert keys(figures(search, language)) == set()


def test_figures_bundled_search_has_all_but_importance():
    search = parse.read_search(PRETRAINED)
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
    search = read_report(tmp_path, trials=[REPORT["trials"][i] for i in trials], best_trial=best, importance=None)
    found = keys(figures(search))
    assert expected - {"too_few_trials"} <= found and "no_importance" in found
    with pytest.raises(UserError) as caught:
        plot_slice(search, "blocks", "es")
    assert caught.value.key == "too_few_trials"


def test_figures_without_times_have_messages(tmp_path):
    trials = [trial | {"started": None, "history": []} for trial in REPORT["trials"]]
    assert {"no_times", "no_epochs"} <= keys(figures(read_report(tmp_path, trials=trials)))


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
    seen = [read_report(tmp_path, **SMALL)]
    for path in places(SMALL):
        if path[:2] == ("trials", 0):
            continue  # of two trials one is enough
        report = copy.deepcopy(SMALL)
        inner = report
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = odd
        try:
            search = read_report(tmp_path, **report)
        except UserError as message:
            assert message.key == "report_damaged", path
            continue
        if search not in seen:  # not all of a file is read, and several values are read alike
            seen.append(search)
            figures(search)
