"""The tuning tab: reports read, checked, and shown."""

import copy
import json
import re
from types import SimpleNamespace

import gradio as gr
import pytest

from ui.figures.axes import display_value
from ui.figures.history import plot_optimization_history
from ui.figures.mistakes import mistakes_html
from ui.figures.results import plot_calibration, plot_confusion_matrix, plot_learning_curve
from ui.i18n import UserError
from ui.reports import parse
from ui.tabs.tuning import add_tuning_tab
from ui.tabs.tuning_tables import (
    best_hyperparameters_table,
    evaluation_sentence,
    ranked_trials_table,
    trials_table,
)

TRIALS = {
    "schema_version": 1,
    "objective": {"name": "val_accuracy", "direction": "max"},
    "dataset": "someone/letters",
    "trials": [
        {
            "trial_id": f"{number:04d}",
            "status": status,
            "hyperparameters": {
                "filters": 16 * (number + 1),
                "optimizer": optimizer,
                f"learning_rate_{optimizer}": 0.01,
            },
            "score": score,
            "history": [],
            "parameters": 1000 * number,
            "seconds": 12.5,
            "reason": "out of memory" if status == "FAILED" else None,
        }
        for number, (status, score, optimizer) in enumerate(
            [
                ("COMPLETED", 0.95, "adam"),
                ("FAILED", None, "sgd"),
                ("COMPLETED", 0.9876543, "adamw"),
                ("COMPLETED", 0.97, "adam"),
                ("RUNNING", None, "adam"),
            ]
        )
    ],
    "best_trial": "0002",
}
TRAINING = {
    "data": {"dataset": "someone/letters", "split": "train", "rows": {"train": 90, "validation": 10}},
    "hyperparameters": {},
    "seed": 0,
    "seconds": 12.5,
    "parameters": 1000,
    "history": [
        {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.3, "val_accuracy": 0.9, "learning_rate": 0.01},
        {"epoch": 2, "loss": 0.2, "accuracy": 0.9, "val_loss": None, "val_accuracy": 0.95, "learning_rate": 0.01},
    ],
    "best_epoch": 2,
}
EVALUATION = {
    "dataset": "someone/letters",
    "split": "test",
    "rows": 10000,
    "accuracy": 0.99515,
    "labels": ["a", "b"],
    "confusion_matrix": [[40, 2], [0, 58]],
}


@pytest.fixture
def folder(tmp_path):
    for name, report in (("trials", TRIALS), ("training", TRAINING), ("evaluation", EVALUATION)):
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    return tmp_path


def write(folder, name, report):
    (folder / name).write_text(report if isinstance(report, str) else json.dumps(report))
    return folder


# --- Trials ---


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


def test_ranked_smaller_loss_is_better(folder):
    search = parse.read_search(write(folder, "trials.json", TRIALS | {"objective": {"name": "l", "direction": "min"}}))
    assert [best for _, _, best in search.best_so_far()] == [0.95, 0.95, 0.95]
    assert [trial.order for trial in search.ranked().trials][:3] == [0, 3, 2]


def test_best_so_far_never_falls(folder):
    points = parse.read_search(folder).best_so_far()
    assert points == [(0, 0.95, 0.95), (2, 0.9876543, 0.9876543), (3, 0.97, 0.9876543)]


def test_best_hyperparameters_table_is_of_the_best_trial(folder):
    table = best_hyperparameters_table(parse.read_search(folder), "es")
    assert table["headers"] == ["hiperparámetro", "valor"]
    assert table["data"] == [["filtros", "48"], ["optimizador", "adamw"], ["tasa de aprendizaje", "0,01"]]


def test_shown_values_are_short():
    assert display_value(0.00123456, "es") == 0.001235
    assert display_value([16, 32], "es") == "16, 32"
    assert display_value(True, "es") == "sí"
    assert display_value("none", "es") == "ninguna"
    assert display_value(None, "en") == ""


def test_shown_value_is_not_translated_as_a_text_key():
    assert display_value("average", "en") == "average"  # a kind of pooling, not the weights' average


# --- Figures ---


def test_learning_curve_has_a_panel_for_loss_and_each_metric(folder):
    training = parse.read_training(folder)
    assert training.curves == {"loss": ([0.5, 0.2], [0.3, None]), "accuracy": ([0.8, 0.9], [0.9, 0.95])}
    figure = plot_learning_curve(training, "en")
    assert [figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text] == ["loss", "accuracy"]
    assert figure.layout.shapes[0].x0 == 2


def test_figures_numbers_follow_the_language(folder):
    training = parse.read_training(folder)
    separators = [plot_learning_curve(training, language).layout.separators for language in ("es", "en")]
    assert separators == [",\u202f", ".,"]


def test_confusion_keeps_every_count(folder):
    figure = plot_confusion_matrix(parse.read_evaluation(folder), "es")
    right, wrong = figure.data
    assert [list(row) for row in right.z] == [[40, None], [None, 58]]
    assert [list(row) for row in wrong.z] == [[None, 2], [None, None]]
    assert figure.layout.yaxis.title.text == "clase real" and figure.layout.yaxis.autorange == "reversed"


def test_confusion_many_classes_have_no_numbers_in_cells(folder):
    labels = [str(label) for label in range(100)]
    report = EVALUATION | {"labels": labels, "confusion_matrix": [[1] * 100] * 100}
    figure = plot_confusion_matrix(parse.read_evaluation(write(folder, "evaluation.json", report)), "es")
    assert figure.data[0].texttemplate is None


def test_evaluation_sentence_has_the_accuracy(folder):
    assert "99,52\u00a0%" in evaluation_sentence(folder, "es") and "10\u202f000" in evaluation_sentence(folder, "es")
    assert "99.52%" in evaluation_sentence(folder, "en") and "10,000" in evaluation_sentence(folder, "en")


# --- What is missing or damaged ---

READERS = {
    "trials.json": parse.read_search,
    "training.json": parse.read_training,
    "evaluation.json": parse.read_evaluation,
}


@pytest.mark.parametrize("name", READERS)
def test_missing_report_is_reported(tmp_path, name):
    with pytest.raises(UserError, match=name) as missing:
        READERS[name](tmp_path)
    assert missing.value.key == "report_missing"


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", ["", "{", "[]", "null", "3", "{}", '{"trials": 3}', "\x00\xff", '{"history": []}'])
def test_damaged_report_is_reported(tmp_path, name, content):
    with pytest.raises(UserError, match=name):
        READERS[name](write(tmp_path, name, content))


@pytest.mark.parametrize(
    ("name", "report", "field"),
    [("trials.json", TRIALS, field) for field in ("trials", "objective")]
    + [("training.json", TRAINING, "history")]
    + [("evaluation.json", EVALUATION, field) for field in EVALUATION],
)
@pytest.mark.parametrize("value", [None, "x", [3], {"a": 1}, "absent"])
def test_wrong_field_is_reported(tmp_path, name, report, field, value):
    report = copy.deepcopy(report)
    report[field] = value
    if value == "absent":
        del report[field]
    if field in ("dataset", "split") and value == "x":
        return
    with pytest.raises(UserError, match=name):
        READERS[name](write(tmp_path, name, report))


def test_confusion_matrix_with_wrong_size_is_reported(tmp_path):
    write(tmp_path, "evaluation.json", EVALUATION | {"confusion_matrix": [[1, 2, 3], [4, 5, 6]]})
    with pytest.raises(UserError):
        parse.read_evaluation(tmp_path)
    assert evaluation_sentence(tmp_path, "es") == ""


def test_regression_has_no_confusion_matrix(tmp_path):
    write(
        tmp_path, "evaluation.json", {"dataset": "someone/ages", "split": "test", "rows": 9, "mean_absolute_error": 1.5}
    )
    with pytest.raises(UserError, match="number"):
        parse.read_evaluation(tmp_path)


def test_calibration_has_a_point_for_every_bin_with_rows(folder):
    bins = [
        {"low": 0.0, "high": 0.5, "rows": 0, "confidence": None, "accuracy": None},
        {"low": 0.5, "high": 1.0, "rows": 90, "confidence": 0.9, "accuracy": 0.8},
    ]
    write(folder, "evaluation.json", EVALUATION | {"calibration": {"ece": 0.1, "bins": bins}})
    assert plot_calibration(parse.read_calibration(folder), "es").data[1].name == "ECE 10,00\u00a0%"
    figure = plot_calibration(parse.read_calibration(folder), "en")
    assert (figure.data[1].x, figure.data[1].y, figure.data[1].customdata) == ((0.9,), (0.8,), (90,))
    assert figure.data[1].name == "ECE 10.00%"
    for damaged, key in ((None, "report_no_calibration"), ({"ece": 0.1}, "report_damaged"), ([1], "report_damaged")):
        write(folder, "evaluation.json", EVALUATION | {"calibration": damaged})
        with pytest.raises(UserError) as damage:
            parse.read_calibration(folder)
        assert damage.value.key == key


def test_mistakes_html_untrusted_values_are_escaped(folder):
    kept = {"row": 3, "label": "<b>4", "answer": '9" onerror="x', "confidence": 0.9, "image": "iVBORw0KGgo="}
    write(folder, "evaluation.json", EVALUATION | {"mistakes": [kept]})
    html = mistakes_html(parse.read_mistakes(folder), "en")
    assert "&lt;b&gt;4 → 9&quot; onerror" in html and "confidence of 90.0%" in html and "<b>" not in html
    assert 'onerror="' not in html and html.count("<img") == 1
    # Choosing a confusion selects the images by this attribute.
    cells = re.findall(r'(?:<option value|data-cell)="([^"]+)"', html)
    assert len(cells) == 2 and cells[0] == cells[1] and "&lt;b&gt;4 → 9&quot; onerror=&quot;x (1)</option>" in html
    for damaged in ({"image": 'x" onerror="y'}, {"image": "A" * 200_000}, {"confidence": "0.9"}, {"label": 4}):
        write(folder, "evaluation.json", EVALUATION | {"mistakes": [kept | damaged]})
        with pytest.raises(UserError, match="damaged"):
            parse.read_mistakes(folder)
    write(folder, "evaluation.json", EVALUATION)
    with pytest.raises(UserError, match="keeps no images"):
        parse.read_mistakes(folder)


def test_search_without_completed_trial_is_reported(folder):
    unfinished = TRIALS | {"trials": [TRIALS["trials"][1]], "best_trial": None}
    search = parse.read_search(write(folder, "trials.json", unfinished))
    for render in (plot_optimization_history, best_hyperparameters_table):
        with pytest.raises(UserError, match="No trial has completed"):
            render(search, "en")
    assert ranked_trials_table(search, "en")["data"][0][1] == "failed"


def test_tab_without_reports_shows_the_reasons(tmp_path):
    """Each panel is replaced by a sentence in the language of the request."""
    with gr.Blocks() as demo:
        add_tuning_tab(demo, tmp_path)
    load = next(function.fn for function in demo.fns.values() if function.name == "load")
    spanish = load(SimpleNamespace(headers={"accept-language": "es"}))
    texts = [text for text in spanish if isinstance(text, str) and text]
    assert [text.count("trials.json") for text in texts] == [1] * 10 + [0] * 4
    assert texts[10].startswith("**Curva de aprendizaje") and "training.json" in texts[10]
    assert "evaluation.json" in texts[13] and spanish.count("") == 2


def test_untrusted_split_name_is_escaped(folder):
    write(folder, "evaluation.json", EVALUATION | {"split": "<b>x</b> ![a](http://b)"})
    with gr.Blocks() as demo:
        add_tuning_tab(demo, folder)
    load = next(function.fn for function in demo.fns.values() if function.name == "load")
    (sentence,) = [value for value in load(None) if isinstance(value, str) and value.startswith("<p>Right")]
    assert sentence.startswith("<p>Right on 99.52%") and "“&lt;b&gt;x&lt;/b&gt; ![a](http://b)”" in sentence
    captions = [block for block in demo.blocks.values() if "caption" in (block.elem_classes or [])]
    assert sum(isinstance(block, gr.HTML) for block in captions) == 2  # Markdown would turn it into links and images
