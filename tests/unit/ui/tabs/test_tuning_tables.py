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
    assert spanish["headers"][:4] == ["ensayo", "estado", "exactitud (validación)", "filtros"]
    assert english["headers"][:4] == ["trial", "status", "accuracy (validation)", "filters"]
    assert [row[0] for row in spanish["data"]] == [2, 3, 0, 1, 4]
    assert spanish["data"][0][:3] == [2, "terminado", 0.9877]  # numbers sort; they are written as the language does
    assert [table["metadata"]["display_value"][0][2] for table in (spanish, english)] == ["0,9877", "0.9877"]
    assert spanish["metadata"]["display_value"][0][-3:] == ["2\u202f000", "12,5", ""]
    # No score: an empty text would make the column's numbers sort as texts.
    assert spanish["data"][3][1:3] == ["fallido", None]
    assert spanish["metadata"]["display_value"][3][2] == ""


def test_best_hyperparameters_table_is_of_the_best_trial(folder):
    table = best_hyperparameters_table(parse.read_search(folder), "es")
    assert table["headers"] == ["hiperparámetro", "valor"]
    assert table["data"] == [["filtros", "48"], ["optimizador", "AdamW"], ["tasa de aprendizaje", "0,01"]]


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


BASELINE = {"answer": "a", "taken_from": "training rows", "accuracy": 0.6, "balanced_accuracy": 0.5, "macro_f1": 0.4}


def test_evaluation_sentence_compares_with_the_trivial_answer(tmp_path):
    few = EVALUATION | {"rows": 100, "accuracy": 0.6, "balanced_accuracy": 0.5, "macro_f1": 0.4}
    write(tmp_path, "evaluation.json", few | {"baseline": BASELINE | {"is_beaten": False}})
    english, spanish = (evaluation_sentence(tmp_path, language) for language in ("en", "es"))
    assert "from 50.2% to 69.1%" in english and "balanced accuracy 50.00%, macro F1 0.4000" in english
    assert "Always answering “a” would be right on 60.00%" in english and "has learned nothing" in english
    assert "«a»" in spanish and "no ha aprendido nada" in spanish
    write(tmp_path, "evaluation.json", few | {"rows": 1000, "baseline": BASELINE | {"is_beaten": True}})
    english = evaluation_sentence(tmp_path, "en")
    assert "likely" not in english and "learned nothing" not in english


@pytest.mark.parametrize(
    "measures", [EVALUATION, {"dataset": "x/y", "split": "test", "rows": 5, "mean_absolute_error": 2.5}]
)
def test_evaluation_sentence_says_unused_for_training_only_if_it_was_compared(tmp_path, measures):
    for comparison in (None, {"compared": False, "reason": "--no-scan"}):
        write(tmp_path, "evaluation.json", measures | {"comparison": comparison})
        assert "was not checked" in evaluation_sentence(tmp_path, "en")
    write(tmp_path, "evaluation.json", measures | {"comparison": {"compared": True}})
    assert "None of these images was used for training" in evaluation_sentence(tmp_path, "en")
    assert "Ninguna de estas imágenes se usó" in evaluation_sentence(tmp_path, "es")


def test_evaluation_sentence_says_that_views_were_averaged(tmp_path):
    write(tmp_path, "evaluation.json", EVALUATION)
    assert "several views" not in evaluation_sentence(tmp_path, "en")
    write(tmp_path, "evaluation.json", EVALUATION | {"average_views": "mirror"})
    assert "the mean over several views of the image" in evaluation_sentence(tmp_path, "en")
    assert "la media de varias vistas de la imagen" in evaluation_sentence(tmp_path, "es")


def test_evaluation_sentence_names_classes_without_rows(tmp_path):
    classes = [{"label": "a", "rows": 0}, {"label": "b", "rows": 60, "precision": 1.0, "recall": 1.0, "f1": 1.0}]
    write(tmp_path, "evaluation.json", EVALUATION | {"per_class": classes})
    assert "There was no image of a:" in evaluation_sentence(tmp_path, "en")


def test_evaluation_sentence_of_a_regression_has_the_error_of_the_mean(tmp_path):
    trivial = {"value": 1234.5, "taken_from": "training rows", "mean_absolute_error": 80.0, "is_beaten": True}
    report = {"dataset": "x/y", "split": "test", "rows": 50, "mean_absolute_error": 2.5, "r2": 0.98}
    write(tmp_path, "evaluation.json", report | {"baseline": trivial})
    sentence = evaluation_sentence(tmp_path, "en")
    assert "off by 2.5 on average; R² = 0.9800" in sentence and "mean, 1234.5, would be off by 80" in sentence
