"""The hints of a search: every line carries the verdict of a test, and only a difference names what did better."""

import re

import numpy as np
import pytest

from model.io.locate import PRETRAINED
from tests.support.search_report import EVIL
from ui.figures.findings import CHOICES, find_hints, findings_html
from ui.i18n import LANGUAGES, UserError
from ui.reports import parse
from ui.reports.runs import MAX_P
from ui.reports.search import HyperparameterView, Search, TrialView

RNG = np.random.default_rng(0)


def trial(order: int, score: float | None, epochs: int = 0, **hyperparameters) -> TrialView:
    status = "COMPLETED" if score is not None else "FAILED"
    history = tuple((epoch, score) for epoch in range(1, epochs + 1))
    return TrialView(order, f"{order:02d}", status, score, hyperparameters, 1000, 1.0, None, history)


def search_of(trials: list[TrialView], descending: bool = True, **more) -> Search:
    return Search("val_accuracy", descending, tuple(trials), trials[0], **more)


def findings_of(trials: list[TrialView], descending: bool = True, language: str = "en", **more) -> dict[str, str]:
    html = findings_html(search_of(trials, descending, **more), language)
    return dict(re.findall(r"<li><b>(.*?)\.</b> (.*?)</li>", html))


def scattered(of_value: dict[str, float], name: str, count: int = 10, **settings) -> list[TrialView]:
    """Return trials whose scores scatter around the middle of their value."""
    pairs = [(value, middle) for value, middle in of_value.items() for _ in range(count)]
    return [
        trial(n, middle + 0.01 * RNG.standard_normal(), **{name: value}, **settings)
        for n, (value, middle) in enumerate(pairs)
    ]


def test_findings_chance_is_called_chance_and_names_nothing():
    found = findings_of(scattered({"adam": 0.9, "sgd": 0.9, "lion": 0.9}, "optimizer"))
    assert "Not distinguishable" in found["Optimizer"] and "Best" not in found["Optimizer"]


@pytest.mark.parametrize(
    ("descending", "best", "worst"), [(True, "ReLU", "sigmoid"), (False, "sigmoid", "ReLU")], ids=["max", "min"]
)
def test_findings_clear_difference_names_best_and_worst(descending, best, worst):
    trials = scattered({"relu": 0.9, "tanh": 0.8, "sigmoid": 0.5}, "activation")
    found = findings_of(trials, descending)["Activation"]
    assert found.startswith('<em class="badge clear">Clear</em>')
    assert f"Best: {best} (median" in found and f"worst: {worst} (median" in found and "10 trials" in found


def test_findings_rare_values_are_not_compared():
    trials = scattered({"relu": 0.9, "tanh": 0.5}, "activation")
    trials += [trial(90, 0.99, activation="gelu"), trial(91, None, activation="elu")]
    found = findings_of(trials)["Activation"]
    assert "2 values compared" in found and "GELU" not in found
    few = findings_of([trial(1, 0.9, activation="relu"), trial(2, 0.8, activation="tanh")])
    assert "Not tested" in few["Activation"] and "at least three trials" in few["Activation"]
    assert "was not part of this search" in few["Loss"]


def test_findings_normalization_is_listed_and_explains_the_others():
    """Sigmoid networks fail without normalization, and only there; nothing else does anything."""
    trials = []
    for n in range(60):
        normalization, activation = ("batch", "none")[n % 2], ("relu", "sigmoid")[(n // 2 + n % 2 * (n % 3 > 0)) % 2]
        score = (0.95 if normalization == "batch" else 0.2) + 0.01 * RNG.standard_normal()
        trials.append(trial(n, score, normalization=normalization, activation=activation))
    hints = {hint.name: hint for hint in find_hints(search_of(trials))}
    assert hints["normalization"].p < 0.01 and not hints["normalization"].within
    assert hints["activation"].within and hints["activation"].p > 0.05
    assert next(iter(findings_of(trials))) == "Normalization"  # the clearest first


def test_findings_effect_within_normalization_is_a_difference_from_the_median():
    trials = [
        trial(
            n,
            (0.9 if n % 2 else 0.2) + (0.05 if n % 4 < 2 else 0.0) + 0.001 * RNG.standard_normal(),
            normalization="batch" if n % 2 else "none",
            activation="relu" if n % 4 < 2 else "tanh",
        )
        for n in range(60)
    ]
    found = findings_of(trials)["Activation"]
    assert "Among networks with the same normalization, best: ReLU (median +0.02" in found
    assert "worst: tanh (-0.02" in found or "worst: tanh (−0.02" in found


def test_findings_range_is_compared_in_thirds():
    trials = [trial(n, 0.9 - 0.01 * n, dropout=0.01 * n) for n in range(30)]
    space = (HyperparameterView("dropout", high=0.5),)
    assert "Best: 0 to 0.09 (median" in findings_of(trials, space=space)["Dropout after each block"]


def test_findings_learning_rates_of_several_optimizers_are_relative():
    rates = {"adam": 0.001, "sgd": 0.1}
    trials = [
        trial(n, 0.9 - 0.01 * n, optimizer=optimizer, learning_rate=rates[optimizer] * (1 + n))
        for n, optimizer in enumerate(["adam", "sgd"] * 15)
    ]
    space = (HyperparameterView("learning_rate", low=1e-4, high=10.0, log=True),)
    assert "1 to 10 times the optimizer" in findings_of(trials, space=space, default_rates=rates)["Learning rate"]
    assert "times the" not in findings_of(trials, space=space)["Learning rate"]  # no usual rates in the report
    assert "times the" not in findings_of(trials[::2], space=space, default_rates=rates)["Learning rate"]
    zero = findings_of(trials, space=space, default_rates=rates | {"sgd": 0.0})  # anyone may have made the report
    assert "times the" not in zero["Learning rate"]


def test_findings_cross_entropy_names_are_one_loss():
    names = ["log_loss", "kl_divergence", "categorical_crossentropy"]
    trials = [trial(n, 0.9 + 0.001 * n, loss=names[n % 3]) for n in range(9)]
    trials += [trial(n, 0.5 + 0.001 * n, loss="hinge") for n in range(9, 18)]
    assert "Best: cross-entropy under any of its names" in findings_of(trials)["Loss"]


def test_findings_hyperband_compares_longest_trials_only():
    """Otherwise fast learners would be called best, and promoted values worst: they have the most short trials."""
    short = [("relu", 0.3)] * 9 + [("tanh", 0.5)] * 3
    long = [("relu", 0.95)] * 6 + [("tanh", 0.6)] * 6
    trials = [
        trial(n, score + 0.001 * n, 1 if n < len(short) else 3, activation=name)
        for n, (name, score) in enumerate(short + long)
    ]
    search = search_of(trials, strategy="hyperband")
    assert "Best: ReLU" in findings_html(search, "en") and "compared (12)" in findings_html(search, "en")
    assert "(12): Hyperband cortó antes los demás (12)" in findings_html(search, "es")
    assert "Hyperband" not in findings_html(search_of(trials, strategy="random"), "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_bundled_search_every_line_has_a_verdict(language):
    search = parse.read_search(PRETRAINED)
    html = findings_html(search, language)
    assert html.count("<li>") == html.count('<em class="badge ') == len(CHOICES)
    found = [hint.name for hint in find_hints(search) if hint.p is not None and hint.p < MAX_P]
    assert found == ["normalization"]  # as docs/tuning.md says


def test_findings_html_in_values_is_escaped():
    trials = [trial(n, 0.9 if n % 2 else 0.5, activation=EVIL if n % 2 else "relu") for n in range(16)]
    html = findings_html(search_of(trials), "en")
    assert "<img" not in html and "&lt;img" in html


def test_findings_without_completed_trial_raise():
    with pytest.raises(UserError, match="No trial has completed"):
        findings_html(search_of([trial(1, None)]), "en")
