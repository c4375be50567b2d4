"""What the page says of the model: from its files alone, and without believing them."""

import json

import pytest

from model.config import CnnConfig
from model.io.locate import PRETRAINED
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from tests.support.run_reports import EVALUATION, TRAINING
from ui.figures.model_panel import model_html
from ui.reports import parse
from ui.reports.search import Search, TrialView


@pytest.fixture(scope="module")
def bundled() -> list:
    """The config, and the reports that the panel is made of."""
    reads = (parse.read_training_report, parse.read_measures, parse.read_search)
    return [CnnConfig.from_file(PRETRAINED / "trazo.json"), None, *(read(PRETRAINED) for read in reads)]


def test_model_html_has_what_the_reports_of_the_bundled_model_say(bundled):
    html = model_html(*bundled, "es")
    assert "350\u202f818" in html  # parameters
    for dataset in ("ylecun/mnist", "optdigits", "pendigits", "hwd1000"):
        assert f'<th scope="row">{dataset}, ' in html
    measured = json.loads((PRETRAINED / "evaluation.json").read_text())
    values = [measured["accuracy"], *measured["accuracy_interval"], measured["ood"]["rejected"]]
    accuracy, low, high, rejected = (f"{100 * value:.2f}\u00a0%".replace(".", ",") for value in values)
    assert accuracy in html and f"{low} – {high}" in html and rejected in html
    assert "no es la ganadora" in html and "163\u202f234" in html
    assert 'href="https://huggingface.co/datasets/ylecun/mnist"' in html
    assert "2026-11-25" in html
    assert "is not the winner" in model_html(*bundled, "en")


def test_model_html_without_reports_describes_the_network():
    html = model_html(CnnConfig(dense_units=(64, 32)), None, None, None, None, "en")
    assert "units: 64, 32" in html and "<table" not in html and "without a title" in html


def test_model_html_names_the_repo_and_the_winner():
    config = CnnConfig(filters=(16,))
    training = TrainingReport(**TRAINING, ended="2026-11-20T10:00:00Z")
    trial = TrialView(4, "0004", "COMPLETED", 0.9, {"filters": 16}, 1, 1.0, None)
    html = model_html(config, "someone/digits", training, None, Search("val_accuracy", True, (trial,), trial), "en")
    assert 'href="https://huggingface.co/someone/digits"' in html and "best trial of the search" in html
    assert "not the winner" not in html and "ended on 2026-11-20." in html


def test_model_html_regression_has_its_own_measures():
    report = EvaluationReport(dataset="a/b", split="test", rows=50, mean_absolute_error=2.5, r2=0.75)
    html = model_html(CnnConfig(labels=("age",), task="regression"), None, None, report, None, "en")
    assert "<td>2.5</td><td>0.75</td>" in html and "mean absolute error" in html


def test_model_html_says_that_views_were_averaged():
    alone, averaged = (EvaluationReport(**EVALUATION, average_views=views) for views in (None, "mirror"))
    htmls = [model_html(CnnConfig(), None, None, report, None, "en") for report in (alone, averaged)]
    assert ["several views" in html for html in htmls] == [False, True]


def test_model_html_untrusted_texts_are_escaped():
    attack = '<img src=x onerror=alert(1)>"'
    data = TRAINING["data"] | {
        "datasets": [{"dataset": attack, "homepage": "javascript:alert(1)", "title": attack, "path": "x"}]
    }
    training = TrainingReport(**TRAINING | {"data": data})
    evaluation = EvaluationReport(**EVALUATION | {"dataset": attack, "split": attack})
    html = model_html(CnnConfig(title=attack[:40]), 'a/b"><script>', training, evaluation, None, "en")
    assert "<img" not in html and "<script" not in html and 'href="javascript' not in html
