"""What learning curves show is said only when it is so."""

import copy

import pytest

from model.io.locate import PRETRAINED
from tests.support.search_report import REPORT, SPACE, read_report
from ui.figures.curve_sentences import (
    find_overfitting,
    learning_curve_sentence,
    search_length_sentence,
    start_sentence,
)
from ui.i18n import LANGUAGES
from ui.reports import parse
from ui.reports.parse import TrainingView

ROWS = {"dataset": "someone/digits", "split": "train", "rows": {"train": 9000, "validation": 1000}}


def training(loss, val_loss, **settings) -> TrainingView:
    return TrainingView(tuple(range(1, len(loss) + 1)), {"loss": (loss, val_loss)}, 1, settings)


@pytest.mark.parametrize(
    ("loss", "val_loss", "epoch"),
    [
        ([1.0, 0.5, 0.2], [1.0, 0.6, 0.9], 2),
        ([1.0, 0.5, 0.2], [1.0, 0.6, 0.6], None),
        ([1.0, 0.5, 0.2], [1.0, 0.6, 0.605], None),  # noise
        ([1.0, 0.5, 0.7], [1.0, 0.6, 0.9], None),  # training got worse, too
        ([1.0], [1.0], None),
        ([1.0, None, 0.2], [0.5, 0.6, 0.9], 1),
    ],
)
def test_find_overfitting_needs_a_rising_and_a_falling_loss(loss, val_loss, epoch):
    found = find_overfitting(loss, val_loss)
    assert (found and found.epoch) == epoch


def test_learning_curve_sentence_explains_better_validation_only_where_it_is_better():
    above = learning_curve_sentence(training([0.5, 0.3], [0.4, 0.2], augment=1.0, dropout=0.1), "en")
    assert "lower in validation" in above and "changed at random, and dropout" in above and "no overfitting" in above
    below = learning_curve_sentence(training([0.5, 0.1], [0.6, 0.9], augment=1.0, dropout=0.1), "en")
    assert "lower in validation" not in below and "After epoch 1" in below and "from 0.6000 to 0.9000" in below


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"augment": 1.0}, "images are changed at random only"),
        ({"dropout": [0.1, 0.2]}, "dropout switches units off only"),
        ({"augment": 0.0, "dropout": 0.0}, "mean over the whole epoch"),
    ],
)
def test_learning_curve_sentence_reason_is_in_the_settings(settings, reason):
    assert reason in learning_curve_sentence(training([0.5, 0.3], [0.4, 0.2], **settings), "en")


def test_learning_curve_sentence_without_validation_is_empty():
    assert learning_curve_sentence(training([0.5], [None]), "en") == ""


def with_losses(rising: int, count: int) -> list[dict]:
    trials = copy.deepcopy(REPORT["trials"][:count])
    for number, trial in enumerate(trials):
        last = 0.9 if number < rising else 0.4
        losses = ((1, 1.0, 0.6), (2, 0.5, last))
        trial["history"] = [{"epoch": epoch, "loss": loss, "val_loss": other} for epoch, loss, other in losses]
    return trials


def test_search_length_sentence_counts_trials_that_overfit(tmp_path):
    short = search_length_sentence(read_report(tmp_path, trials=with_losses(0, 5), best_trial="04"), "en")
    assert "longer than 2 epochs" in short and "in 0 of 5" in short and "dropout" in short
    assert "In 4 of 5 trials" in search_length_sentence(
        read_report(tmp_path, trials=with_losses(4, 5), best_trial="04"), "en"
    )
    assert search_length_sentence(read_report(tmp_path), "en") == ""  # without losses


def started(tmp_path, first: float, others: list[float], **changes):
    trials = copy.deepcopy(REPORT["trials"][: 1 + len(others)])
    for trial, score in zip(trials, [first, *others], strict=True):
        trial |= {"score": score, "hyperparameters": {"blocks": 2, "optimizer": "adam", "learning_rate_adam": 0.01}}
    trials[0]["hyperparameters"] = {"blocks": 3, "optimizer": "adam", "learning_rate_adam": 0.001}
    best = max(trials, key=lambda trial: trial["score"])["trial_id"]
    return read_report(tmp_path, trials=trials, best_trial=best, space=SPACE, **changes)


def test_start_sentence_compares_with_the_point_written_by_hand(tmp_path):
    assert "nothing better" in start_sentence(started(tmp_path, 0.99, [0.9, 0.95], data=ROWS), "en")
    assert "found a better point" in start_sentence(started(tmp_path, 0.9, [0.95, 0.99], data=ROWS), "en")
    same = start_sentence(started(tmp_path, 0.95, [0.951, 0.9], data=ROWS), "en")
    assert "trial 1 (0.9510), cannot be distinguished from the starting point, trial 0 (0.9500)" in same
    assert "nothing better" in start_sentence(started(tmp_path, 0.99, [0.9]), "en")  # on how many rows is not known


def test_start_sentence_of_another_first_trial_is_empty(tmp_path):
    assert read_report(tmp_path).start is None and start_sentence(read_report(tmp_path), "en") == ""
    search = started(tmp_path, 0.99, [0.9])
    assert search.start is search.trials[0]
    assert started(tmp_path, 0.99, [0.9]).start.order == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_bundled_reports_have_every_sentence(language):
    search = parse.read_search(PRETRAINED)
    assert search.start is search.best and search.rows == 30_282
    assert start_sentence(search, language) and search_length_sentence(search, language)
    assert learning_curve_sentence(parse.read_training(PRETRAINED), language)
