"""The sentences on what a search found."""

import re

import pytest

from tests.support.search_report import EVIL
from ui.figures.findings import findings_html
from ui.i18n import UserError
from ui.reports.search import HyperparameterView, Search, TrialView


def trial(order: int, score: float | None, epochs: tuple[float, ...] = (), **hyperparameters) -> TrialView:
    status = "COMPLETED" if score is not None else "FAILED"
    history = tuple(enumerate(epochs, 1))
    return TrialView(order, f"{order:02d}", status, score, hyperparameters, 1000, 1.0, None, history)


def findings_of(
    trials: list[TrialView], descending: bool = True, language: str = "en", **space: HyperparameterView
) -> dict[str, str]:
    search = Search("val_accuracy", descending, tuple(trials), trials[0], tuple(space.values()))
    return dict(re.findall(r"<li><b>(.*?)\.</b> (.*?)</li>", findings_html(search, language)))


def test_findings_choices_compares_medians_and_counts_rare_values():
    scores = {"relu": (0.9, 0.92, 0.7), "tanh": (0.5, 0.8, 0.6), "gelu": (0.99,)}
    pairs = [(activation, score) for activation, values in scores.items() for score in values]
    trials = [trial(n, score, activation=activation) for n, (activation, score) in enumerate(pairs)]
    found = findings_of(trials)
    assert found["Activation"] == (
        "Of the values tried at least 3 times, the best was relu (median 0.9 over 3 trials), the worst tanh (median "
        "0.6 over 3). With fewer trials, and not compared: 1 of 3 values."
    )
    assert found["Loss"] == "It was not part of this search."
    # If lower is better, the order is reversed.
    assert "the best was tanh (median 0.6" in findings_of(trials, descending=False)["Activation"]
    assert "lo peor tanh (mediana 0,6 en 3). Con menos" in findings_of(trials, language="es")["Función de activación"]
    # Values of the space that no trial used are not compared either; without any, nothing is left out.
    space = {"activation": HyperparameterView("activation", ("relu", "tanh", "gelu", "elu", "swish"))}
    assert findings_of(trials, **space)["Activation"].endswith("3 of 5 values.")
    found = findings_of([trial for trial in trials if trial.hyperparameters["activation"] != "gelu"])
    assert found["Activation"] == "The best was relu (median 0.9 over 3 trials), the worst tanh (median 0.6 over 3)."


def test_findings_equal_medians_have_no_best():
    trials = [trial(n, 0.5, blocks=1 + n % 2) for n in range(8)]
    assert "the same median, 0.5" in findings_of(trials)["Blocks"]


def test_findings_few_trials_are_called_few():
    trials = [trial(1, 0.9, loss="hinge"), trial(2, 0.8, loss="log_loss"), trial(3, None, loss="log_loss")]
    assert findings_of(trials)["Loss"].endswith("too few trials to be sure.")
    assert "Only relu has results" in findings_of([trial(1, 0.9, activation="relu"), trial(2, 0.8)])["Activation"]
    same = findings_of([trial(1, 0.9, dropout=0.2), trial(2, 0.8, dropout=0.2)])
    assert "cannot compare it" in same["Dropout after each block"]


def test_findings_range_reports_best_quarter():
    trials = [trial(n, 0.9 - 0.01 * n, learning_rate=0.001 * (n + 1)) for n in range(12)]
    space = {"rate": HyperparameterView("learning_rate", low=1e-4, high=1e-1, log=True)}
    assert findings_of(trials, **space)["Learning rate"] == (
        "The best 3 trials used values from 0.001 to 0.003; all of them, from 0.001 to 0.012."
    )
    assert "Too few" in findings_of(trials[:7], **space)["Learning rate"]


def test_findings_learning_rates_of_several_optimizers_are_relative():
    rates = {"adam": 0.001, "sgd": 0.1}
    trials = [
        trial(n, 0.9 - 0.01 * n, optimizer=optimizer, learning_rate=rates[optimizer] * (1 + n))
        for n, optimizer in enumerate(["adam", "sgd"] * 6)
    ]
    space = (HyperparameterView("learning_rate", low=1e-4, high=1.0, log=True),)
    found = findings_html(Search("val_accuracy", True, tuple(trials), None, space, default_rates=rates), "en")
    assert "The best 3 trials used from 1 to 3 times their optimizer's usual rate; all of them, from 1 to 12" in found
    # With one optimizer, or without the usual rates in the report, the rates themselves are reported.
    assert "used values from" in findings_html(Search("val_accuracy", True, tuple(trials), None, space), "en")
    alone = tuple(trials[::2] * 2)
    assert "used values from" in findings_html(
        Search("val_accuracy", True, alone, None, space, default_rates=rates), "en"
    )


def test_findings_other_range_reports_its_values():
    """Also if the optimizers differ, and if trials have no learning rate."""
    trials = [trial(n, 0.9 - 0.01 * n, optimizer=("adam", "sgd")[n % 2], dropout=0.01 * n) for n in range(12)]
    space = (HyperparameterView("dropout", high=0.5),)
    search = Search("val_accuracy", True, tuple(trials), None, space, default_rates={"adam": 1e-3, "sgd": 0.1})
    assert "The best 3 trials used values from 0 to 0.02; all of them, from 0 to 0.11." in findings_html(search, "en")


def test_findings_cross_entropy_names_are_one_loss():
    names = ["log_loss", "kl_divergence", "categorical_crossentropy"]
    trials = [trial(n, 0.9, loss=name) for n, name in enumerate(names)]
    assert findings_of(trials)["Loss"].startswith("Only cross-entropy under any of its names has results")
    trials += [trial(n, 0.5, loss="hinge") for n in range(3, 6)]
    assert findings_of(trials)["Loss"] == (
        "The best was cross-entropy under any of its names (median 0.9 over 3 trials), the worst hinge (median 0.5 "
        "over 3)."
    )


def test_findings_falling_rate_is_left_out_of_early_stopping():
    falling = [trial(n, 0.9, (0.7, 0.8), schedule="one-cycle") for n in range(4)]
    assert findings_of(falling)["Early stopping"].startswith("In all 4 trials the learning rate falls to zero")
    steady = [trial(n, 0.9, (0.8, 0.7), schedule="constant") for n in range(3)]
    found = findings_of(falling + steady)["Early stopping"]
    assert "constant rate, trials whose last epoch was the best: 0 of 3." in found and "remaining 4" in found
    plain = (trial(1, 0.9, (0.7, 0.8)),)
    assert "In all 1" in findings_html(Search("val_accuracy", True, plain, None, schedule="one-cycle"), "en")


def test_findings_early_stopping_follows_the_epochs():
    rising, falling = (0.7, 0.8, 0.9), (0.7, 0.9, 0.8)
    for curves, count, lesson in (
        ([rising, rising], "2 of 2", "more epochs"),
        ([rising, falling, rising], "2 of 3", "more epochs"),
        ([rising], "1 of 1", "more epochs"),
        ([rising, falling], "1 of 2", "early stopping saves"),
        ([(0.7, 0.9, 0.9)], "0 of 1", "early stopping saves"),  # as good as before is not better
    ):
        found = findings_of([trial(n, 0.9, curve) for n, curve in enumerate(curves)])["Early stopping"]
        assert found.startswith(f"Trials whose last epoch was the best: {count}. ") and lesson in found
    assert "0 of 1" in findings_of([trial(1, 0.1, (0.1, 0.2))], descending=False)["Early stopping"]
    assert "Early stopping" not in findings_of([trial(1, 0.9), trial(2, 0.8)])


def test_findings_hyperband_compares_longest_trials_only():
    """Otherwise fast learners would be called best, and promoted values worst: they have the most short trials."""
    short = [("relu", 0.3)] * 9 + [("tanh", 0.5)] * 3
    long = [("relu", 0.95)] * 3 + [("tanh", 0.6)] * 3
    trials = tuple(
        trial(n, score, (score,) * (1 if n < len(short) else 3), activation=name)
        for n, (name, score) in enumerate(short + long)
    )
    search = Search("val_accuracy", True, trials, trials[-1], strategy="hyperband")
    assert "best was relu (median 0.95 over 3 trials), the worst tanh (median 0.6 over 3)" in findings_html(
        search, "en"
    )
    assert "Only the longest trials are compared (6)" in findings_html(search, "en")
    assert "(6): Hyperband cortó antes las demás (12)" in findings_html(search, "es")
    random = Search("val_accuracy", True, trials, trials[-1], strategy="random")
    assert "worst relu" in findings_html(random, "en") and "Hyperband" not in findings_html(random, "en")
    with_one_length = Search("val_accuracy", True, trials[12:], trials[-1], strategy="hyperband")
    assert "Hyperband" not in findings_html(with_one_length, "en")


def test_findings_html_in_values_is_escaped():
    trials = [trial(n, 0.9, activation=EVIL if n % 2 else "relu") for n in range(8)]
    assert "<img" not in findings_html(Search("val_accuracy", True, tuple(trials), None), "en")


def test_findings_without_completed_trial_raise():
    with pytest.raises(UserError, match="No trial has completed"):
        findings_html(Search("val_accuracy", True, (trial(1, None),), None), "en")
