"""A trial's record: it survives a restart, and counts ends for lack of memory."""

import json

import pytest

from model.errors import CorruptFileError, TrazoError
from training.tuning import trial_record
from training.tuning.trial_record import MAX_OOM_KILLS, TrialRecord


@pytest.fixture
def machine(monkeypatch) -> dict:
    """The machine's count of processes that it ended for lack of memory."""
    state = {"boot": "first", "kills": 5}
    monkeypatch.setattr(trial_record, "oom_kill_snapshot", lambda: dict(state))
    return state


def test_update_is_read_again_by_the_next_start(tmp_path, machine):
    record = TrialRecord(tmp_path / "trial_0", "0")
    record.start()
    record.update(parameters=100)
    again = TrialRecord(tmp_path / "trial_0", "0")
    again.start()
    assert again.values["parameters"] == 100 and again.values["started"] == record.values["started"]
    assert again.values["trial_id"] == "0"


def test_start_killed_for_memory_again_and_again_fails_the_trial(tmp_path, machine):
    for _ in range(MAX_OOM_KILLS):
        TrialRecord(tmp_path, "0").start()
        machine["kills"] += 1
    with pytest.raises(TrazoError, match=f"ran out of memory {MAX_OOM_KILLS} times while this trial ran"):
        TrialRecord(tmp_path, "0").start()


@pytest.mark.parametrize("change", [{}, {"boot": "second", "kills": 9}])
def test_start_interrupted_otherwise_is_not_counted(tmp_path, machine, change):
    for _ in range(3 * MAX_OOM_KILLS):
        TrialRecord(tmp_path, "0").start()
        machine.update(change)
        if change:
            machine["boot"] += "."  # the machine started again


def test_start_kill_after_an_update_is_not_counted(tmp_path, machine):
    """After its first epoch a trial no longer holds the count: it fits into memory."""
    for _ in range(3 * MAX_OOM_KILLS):
        record = TrialRecord(tmp_path, "0")
        record.start()
        record.update(epochs=1)
        machine["kills"] += 1


def test_record_damaged_file_is_named(tmp_path, machine):
    TrialRecord(tmp_path, "0").start()
    assert json.loads((tmp_path / "record.json").read_text())["trial_id"] == "0"
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(CorruptFileError, match=r"record\.json is not valid JSON"):
        TrialRecord(tmp_path, "0")
