"""Linux's count of processes that it ended for lack of memory."""

from training.tuning.system_memory import oom_kill_snapshot


def test_oom_kill_snapshot_on_linux_has_count_and_boot_id():
    snapshot = oom_kill_snapshot()
    assert snapshot["kills"] >= 0 and len(snapshot["boot"]) == 36
