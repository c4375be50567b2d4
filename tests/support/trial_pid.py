"""The process that a search trains its trials in."""

from training.tuning.trial_process import _children


def trial_process_pid() -> int | None:
    """Return the id of the process; None if there is none."""
    return _children[0].pid if _children else None
