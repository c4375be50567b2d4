"""The tuning tab with the reports of a real run."""

from ui.figures.comparison import comparison_html, plot_comparison
from ui.figures.curve_sentences import learning_curve_sentence
from ui.figures.findings import findings_html
from ui.figures.history import plot_intermediate_values, plot_optimization_history
from ui.figures.results import plot_confusion_matrix, plot_learning_curve
from ui.reports import parse
from ui.reports.folder import ReportFolder
from ui.reports.runs import compare_runs, list_runs
from ui.tabs.tuning_tables import best_hyperparameters_table, evaluation_sentence, trials_table


def test_reports_of_a_real_run_can_be_shown(trained):
    """What `python -m training run` writes can be read by the tab."""
    assert trials_table(trained)["data"]
    assert plot_optimization_history(parse.read_search(trained), "es").data
    assert plot_intermediate_values(parse.read_search(trained), "es").data
    assert best_hyperparameters_table(parse.read_search(trained), "es")["data"]
    assert plot_learning_curve(parse.read_training(trained), "es").data
    assert plot_confusion_matrix(parse.read_evaluation(trained), "es").data
    assert evaluation_sentence(trained, "es")
    assert findings_html(parse.read_search(trained), "es")
    assert learning_curve_sentence(parse.read_training(trained), "es")


def test_runs_of_a_real_run_can_be_compared(trained):
    runs = list_runs(ReportFolder(trained))
    trial, model = next(iter(runs.values())), runs["model"]
    assert trial.rows == model.rows and trial.measured_on == model.measured_on  # one training follows its search
    assert compare_runs(trial, model).verdict in ("same", "differ")
    assert "<table" in comparison_html(trial, model, "es")
    figure = plot_comparison(trial, model, "es")
    assert {len(line.x) for line in figure.data if line.x} and len(figure.data) == 8
