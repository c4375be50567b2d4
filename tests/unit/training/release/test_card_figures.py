"""The figures of a model card."""

import warnings

import matplotlib
import pytest

from model.io.reports.evaluation import EvaluationReport
from training.release.card_figures import write_figures

CALIBRATION = {"ece": 0.1, "bins": [{"low": 0.0, "high": 1.0, "rows": 9, "confidence": 0.9, "accuracy": 0.8}]}


@pytest.mark.parametrize(
    "labels",
    [["$", "$$", "$$$"], ["$x^$", "b"], ["$0-$50", "$50-$100"], ["\\frac{1}{2}", "日本", "\u202eevil\n", "x" * 500]],
)
def test_write_figures_names_are_not_read_as_mathematics(tmp_path, labels):
    size = len(labels)
    report = EvaluationReport.build(
        dataset="d/e", split="test", rows=9, accuracy=0.5, labels=labels, confusion_matrix=[[1] * size] * size,
        calibration=CALIBRATION,
    )  # fmt: skip
    with warnings.catch_warnings(), matplotlib.rc_context({"axes.titlesize": 99, "font.family": "no such font"}):
        warnings.simplefilter("error")
        write_figures(report, tmp_path)
        assert matplotlib.rcParams["axes.titlesize"] == 99
    assert (tmp_path / "confusion.png").stat().st_size > 1000
