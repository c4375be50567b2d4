"""The tuning tab with the reports of a real run."""

from ui.figures.history import plot_intermediate_values, plot_optimization_history
from ui.figures.results import plot_confusion_matrix, plot_learning_curve
from ui.reports import parse
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
