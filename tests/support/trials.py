"""Trials and reports as they are in trials.json."""

from model.io.reports.trials import SCHEMA_VERSION


def trial_row(number: int, score: float | None = 0.9, reason: str | None = None, **hyperparameters) -> dict:
    """Return a trial; without a score it has failed."""
    history = [{"epoch": 1, "val_accuracy": score}] if score is not None else []
    return {
        "trial_id": str(number),
        "status": "COMPLETED" if score is not None else "FAILED",
        "reason": reason,
        "hyperparameters": hyperparameters,
        "score": score,
        "history": history,
        "parameters": 1234,
        "started": "2026-01-01T00:00:00Z",
        "ended": "2026-01-01T00:01:00Z",
        "seconds": 60.0,
        "seed": 0,
    }


def trials_report(rows: list[dict], direction: str = "max") -> dict:
    """Return a report with the fields that readers need."""
    return {
        "schema_version": SCHEMA_VERSION,
        "objective": {"name": "val_accuracy", "direction": direction},
        "dataset": "someone/digits",
        "trials": rows,
    }
