"""`python -m training study`: runs, resume, and study.json."""

import json

import pytest

from model.errors import TrazoError
from tests.conftest import SAMPLE
from training.commands.study import study
from training.config import DataConfig, StudyConfig

DATA = DataConfig(str(SAMPLE), max_rows=120)
QUICK = StudyConfig(epochs=2, seeds=1, factors=("loss",))


@pytest.fixture
def in_process(monkeypatch):
    """Train in this process, which saves the start of another one."""
    monkeypatch.setattr("training.tuning.trial_process.CAN_FORK", False)


def test_study_stopped_and_extended_runs_each_point_once(tmp_path, in_process):
    table = study(DATA, QUICK, tmp_path)
    first = json.loads((tmp_path / "study.json").read_text())
    assert "cosine_similarity" in table and first["runs"] == 3
    study(DATA, StudyConfig(epochs=2, seeds=2, factors=("loss",)), tmp_path)
    second = json.loads((tmp_path / "study.json").read_text())
    assert second["runs"] == 6
    for before, after in zip(first["factors"][0]["levels"], second["factors"][0]["levels"], strict=True):
        assert len(after["scores"]) == 2 and after["scores"][0] == before["scores"][0]


def test_study_other_epochs_in_the_same_folder_are_refused(tmp_path, in_process):
    study(DATA, QUICK, tmp_path)
    with pytest.raises(TrazoError, match="belongs to another search"):
        study(DATA, StudyConfig(epochs=3, seeds=1, factors=("loss",)), tmp_path)
