"""What can be compared, and whether a difference is more than chance."""

from dataclasses import replace

import pytest

from model.errors import ModelError
from tests.support.run_reports import TRAINING, TRIALS, write
from tests.support.search_report import REPORT
from tests.support.studies import DROPOUT, write_study
from ui.figures.comparison import run_name
from ui.i18n import UserError
from ui.reports.folder import ReportFolder, find_compared
from ui.reports.runs import Run, compare_runs, list_runs

ROWS = {"dataset": "someone/digits", "split": "train", "rows": {"train": 9000, "validation": 1000}}
ONE = Run("trial:1", "1", {}, "val_accuracy", True, (0.95,), 1000, ("digits",), {}, 10, 1.0)


def test_list_runs_has_trials_best_first_the_model_and_the_study(tmp_path):
    write(tmp_path, "trials.json", REPORT | {"data": ROWS})
    write(tmp_path, "training.json", TRAINING)
    write_study(tmp_path, DROPOUT)
    runs = list_runs(ReportFolder(tmp_path))
    keys = list(runs)
    assert keys[:2] == ["trial:29", "trial:28"] and "trial:5" in keys and keys[-5:-3] == ["model", "study:dropout:0"]
    assert runs["trial:29"].rows == 1000 and runs["trial:29"].chosen_of == 28
    assert runs["trial:29"].curves == {"val_accuracy": pytest.approx((0.948, 0.958))}
    assert runs["model"].scores == (0.95,) and runs["model"].curves["val_loss"] == (0.3, None)
    assert runs["study:dropout:1"].settings == {"dropout": "0.5"} and len(runs["study:dropout:1"].scores) == 2


def test_list_runs_of_another_folder_come_last_with_its_name(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "trials.json", REPORT | {"data": ROWS})
    compared = find_compared(str(tmp_path / "other"))
    runs = list_runs(ReportFolder(tmp_path / "one"), compared)
    other = runs["other:trial:0"]
    assert (other.folder, other.kind, next(iter(runs))) == ("other", "trial", "trial:29")
    assert compare_runs(runs["trial:29"], other).verdict == "differ"
    assert run_name(other, "en") == "other · trial 0" and run_name(runs["trial:0"], "en") == "trial 0"


def test_find_compared_nothing_there_is_an_error(tmp_path):
    assert find_compared(None) is None
    with pytest.raises(ModelError):
        find_compared(str(tmp_path / "nowhere"))


def test_list_runs_too_few_says_why(tmp_path):
    with pytest.raises(UserError) as missing:
        list_runs(ReportFolder(tmp_path))
    assert missing.value.key == "report_missing"
    write(tmp_path, "trials.json", TRIALS | {"trials": TRIALS["trials"][:1], "best_trial": None})
    with pytest.raises(UserError):
        list_runs(ReportFolder(tmp_path))


@pytest.mark.parametrize(
    ("other", "verdict", "first_is_better"),
    [
        ({"scores": (0.90,)}, "differ", True),
        ({"scores": (0.99,)}, "differ", False),
        ({"scores": (0.955,)}, "same", None),
        ({"scores": ()}, "no_score", None),
        ({"scores": (0.90,), "rows": None}, "untested", None),
        ({"scores": (0.90,), "measured_on": ("letters",)}, "other_rows", None),
        ({"scores": (0.90,), "measure": "val_loss"}, "other_rows", None),
    ],
)
def test_compare_runs_single_runs_are_compared_as_shares(other, verdict, first_is_better):
    found = compare_runs(ONE, replace(ONE, **other))
    assert (found.verdict, found.first_is_better) == (verdict, first_is_better)
    assert (found.p is None) == (verdict not in ("differ", "same"))


def test_compare_runs_seeds_are_compared_by_their_scatter():
    many = replace(ONE, scores=(0.95, 0.951, 0.952), rows=10)
    assert compare_runs(many, replace(many, scores=(0.96, 0.961, 0.962))).verdict == "differ"
    assert compare_runs(many, replace(many, scores=(0.90, 0.95, 1.0))).verdict == "same"


def test_compare_runs_less_may_be_better():
    one = replace(ONE, measure="val_loss", descending=False, scores=(0.1, 0.11, 0.12))
    assert compare_runs(one, replace(one, scores=(0.5, 0.51, 0.52))).first_is_better is True
    assert compare_runs(replace(one, scores=(0.1,)), replace(one, scores=(0.5,))).verdict == "untested"
