"""The tuning tab's tables and sentences."""

import pytest

from tests.support.run_reports import EVALUATION, TRIALS, write
from tests.support.search_report import REPORT, read_report
from ui.figures.history import plot_optimization_history
from ui.i18n import UserError
from ui.reports import parse
from ui.tabs.tuning_tables import (
    best_hyperparameters_table,
    evaluation_sentence,
    importance_sentence,
    ranked_trials_table,
    trials_table,
)


def test_trials_table_has_every_trial_of_the_file(folder):
    table = trials_table(folder)
    names = ["trial_id", "status", "score", "filters", "optimizer", "learning_rate", "parameters", "seconds", "reason"]
    assert table["headers"] == names
    assert table["data"][2] == ["0002", "COMPLETED", 0.9876543, 48, "adamw", 0.01, 2000, 12.5, None]
    assert table["data"][1][-1] == "out of memory"
    assert len(table["data"]) == 5


def test_ranked_trials_table_best_first_in_each_language(folder):
    search = parse.read_search(folder)
    spanish, english = (ranked_trials_table(search, language) for language in ("es", "en"))
    assert spanish["headers"][:4] == ["prueba", "estado", "exactitud (validación)", "filtros"]
    assert english["headers"][:4] == ["trial", "status", "accuracy (validation)", "filters"]
    assert [row[0] for row in spanish["data"]] == [2, 3, 0, 1, 4]
    assert spanish["data"][0][:3] == [2, "terminada", 0.9877]  # numbers sort; they are written as the language does
    assert [table["metadata"]["display_value"][0][2] for table in (spanish, english)] == ["0,9877", "0.9877"]
    assert spanish["metadata"]["display_value"][0][-3:] == ["2\u202f000", "12,5", ""]
    # No score: an empty text would make the column's numbers sort as texts.
    assert spanish["data"][3][1:3] == ["fallida", None]
    assert spanish["metadata"]["display_value"][3][2] == ""


def test_best_hyperparameters_table_is_of_the_best_trial(folder):
    table = best_hyperparameters_table(parse.read_search(folder), "es")
    assert table["headers"] == ["hiperparámetro", "valor"]
    assert table["data"] == [["filtros", "48"], ["optimizador", "adamw"], ["tasa de aprendizaje", "0,01"]]


def test_evaluation_sentence_has_the_accuracy(folder):
    assert "99,52\u00a0%" in evaluation_sentence(folder, "es") and "10\u202f000" in evaluation_sentence(folder, "es")
    assert "99.52%" in evaluation_sentence(folder, "en") and "10,000" in evaluation_sentence(folder, "en")


@pytest.mark.parametrize(
    ("r2", "expected"), [(0.61, "explains 61%"), (0.1, "say little"), (-0.4, "say little"), (None, "")]
)
def test_importance_sentence_says_how_much_is_explained(tmp_path, r2, expected):
    sentence = importance_sentence(read_report(tmp_path, importance=REPORT["importance"] | {"r2": r2}), "en")
    assert expected in sentence and bool(expected) == bool(sentence)


def test_confusion_matrix_with_wrong_size_is_reported(tmp_path):
    write(tmp_path, "evaluation.json", EVALUATION | {"confusion_matrix": [[1, 2, 3], [4, 5, 6]]})
    with pytest.raises(UserError):
        parse.read_evaluation(tmp_path)
    assert evaluation_sentence(tmp_path, "es") == ""


def test_search_without_completed_trial_is_reported(folder):
    unfinished = TRIALS | {"trials": [TRIALS["trials"][1]], "best_trial": None}
    search = parse.read_search(write(folder, "trials.json", unfinished))
    for render in (plot_optimization_history, best_hyperparameters_table):
        with pytest.raises(UserError, match="No trial has completed"):
            render(search, "en")
    assert ranked_trials_table(search, "en")["data"][0][1] == "failed"
