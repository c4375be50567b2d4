"""The figures of a training and an evaluation: learning curve, confusion matrix, calibration."""

import pytest

from tests.support.run_reports import EVALUATION, write
from ui.figures.results import calibration_sentence, plot_calibration, plot_confusion_matrix, plot_learning_curve
from ui.i18n import UserError
from ui.reports import parse


def test_learning_curve_has_a_panel_for_loss_and_each_metric(folder):
    training = parse.read_training(folder)
    assert training.curves == {"loss": ([0.5, 0.2], [0.3, None]), "accuracy": ([0.8, 0.9], [0.9, 0.95])}
    figure = plot_learning_curve(training, "en")
    assert [figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text] == ["loss", "error: 1 − accuracy"]
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    assert list(figure.data[2].y) == pytest.approx([0.2, 0.1])  # errors of the training
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


def test_confusion_names_that_begin_alike_stay_separate_and_are_shortened(folder):
    labels = ["x" * 60 + "1", "x" * 60 + "2", "<b>$c$</b>\u202e"]
    report = EVALUATION | {"labels": labels, "confusion_matrix": [[1, 2, 3]] * 3}
    figure = plot_confusion_matrix(parse.read_evaluation(write(folder, "evaluation.json", report)), "es")
    names = list(figure.data[0].x)
    assert len(set(names)) == 3 and names[2] == "&lt;b&gt;$c$&lt;/b&gt;\\u202e"
    shown = figure.layout.xaxis.labelalias
    assert len(shown[names[0]]) == 40 and shown[names[2]] == names[2]


def test_confusion_many_classes_have_no_numbers_in_cells(folder):
    labels = [str(label) for label in range(100)]
    report = EVALUATION | {"labels": labels, "confusion_matrix": [[1] * 100] * 100}
    figure = plot_confusion_matrix(parse.read_evaluation(write(folder, "evaluation.json", report)), "es")
    assert figure.data[0].texttemplate is None


def test_calibration_has_a_point_for_every_bin_with_rows(folder):
    bins = [
        {"low": 0.0, "high": 0.5, "rows": 0, "confidence": None, "accuracy": None},
        {"low": 0.5, "high": 1.0, "rows": 90, "confidence": 0.9, "accuracy": 0.8},
    ]
    write(folder, "evaluation.json", EVALUATION | {"calibration": {"ece": 0.1, "bins": bins}})
    assert plot_calibration(parse.read_calibration(folder), "es").data[1].name == "ECE 10,00\u00a0%"
    figure = plot_calibration(parse.read_calibration(folder), "en")
    assert (figure.data[1].x, figure.data[1].y, figure.data[1].customdata[0][0]) == ((0.9,), (0.8,), 90)
    assert figure.data[1].name == "ECE 10.00%"
    assert figure.data[1].error_y.array[0] == pytest.approx(0.0694, abs=1e-3)  # Wilson: 0.7062 to 0.8694
    assert figure.data[1].error_y.arrayminus[0] == pytest.approx(0.0938, abs=1e-3)
    for damaged, key in ((None, "report_no_calibration"), ({"ece": 0.1}, "report_damaged"), ([1], "report_damaged")):
        write(folder, "evaluation.json", EVALUATION | {"calibration": damaged})
        with pytest.raises(UserError) as damage:
            parse.read_calibration(folder)
        assert damage.value.key == key


def bins_of(*bins: tuple[float, float, int]) -> dict:
    bins = [{"rows": rows, "confidence": confidence, "accuracy": right} for confidence, right, rows in bins]
    return EVALUATION | {"calibration": {"ece": 0.1, "bins": bins}}


def test_calibration_bins_of_few_answers_are_joined_and_lose_none(folder):
    few = [(0.4, 0.5, 2), (0.5, 0.0, 9), (0.6, 1.0, 25), (0.9, 0.9, 40), (0.99, 1.0, 900)]
    found = parse.read_calibration(write(folder, "evaluation.json", bins_of(*few)))
    assert [rows for _, _, rows in found.bins] == [36, 40, 900]
    assert found.bins[0] == pytest.approx(((2 * 0.4 + 9 * 0.5 + 25 * 0.6) / 36, 26 / 36, 36))
    left_over = parse.read_calibration(write(folder, "evaluation.json", bins_of((0.4, 0.5, 2), (0.9, 0.9, 40))))
    assert [rows for _, _, rows in left_over.bins] == [42]
    alone = parse.read_calibration(write(folder, "evaluation.json", bins_of((0.4, 0.5, 2))))
    assert [rows for _, _, rows in alone.bins] == [2]


@pytest.mark.parametrize(
    ("right", "sentence"), [(0.80, "In none of the 1 groups"), (0.5, "too sure"), (1.0, "right more often")]
)
def test_calibration_sentence_says_what_lies_outside_the_interval(folder, right, sentence):
    found = parse.read_calibration(write(folder, "evaluation.json", bins_of((0.8, right, 100))))
    assert sentence in calibration_sentence(found, "en")
