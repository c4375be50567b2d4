"""How the trials of a trials.json are read: which of them can be compared, their order, and one learning rate."""

from typing import Any

LEARNING_RATE = "learning_rate"


def fold_learning_rate(name: str) -> str:
    """Return `learning_rate` for the rate of any optimizer, such as `learning_rate_adam`, and any other name as it is.

    Each optimizer has a separate range in the search space, and therefore a separate name; a trial has one rate.
    """
    return LEARNING_RATE if name.startswith(f"{LEARNING_RATE}_") else name


def rank_trials(rows: list[dict[str, Any]], direction: str) -> list[dict[str, Any]]:
    """Return the trials from best to worst, those without a score last.

    Args:
        rows: `trials` of a trials.json.
        direction: `max` or `min`, as in its `objective`.
    """
    sign = -1 if direction == "max" else 1
    return sorted(rows, key=lambda row: (row["score"] is None, sign * (row["score"] or 0)))


def comparable_trials(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the trials with a score that were trained equally long.

    Most trials of a Hyperband search are short, and their scores say little about those of full length: only the
    longest ones are returned.
    """
    rows = [row for row in report["trials"] if row["score"] is not None]
    if report.get("strategy") != "hyperband":
        return rows
    longest = max((len(row["history"]) for row in rows), default=0)
    return [row for row in rows if len(row["history"]) == longest]
