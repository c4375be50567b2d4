"""A trials.json with every kind of trial, and names that try to inject HTML."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ui.reports.parse import read_search
from ui.reports.search import Search

START = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
EVIL = "<b>a</b> & <img src=x onerror=alert(1)>"
SPACE = [
    {"name": "blocks", "values": [1, 2, 3], "default": 3, "when": {}},
    {"name": "optimizer", "values": ["adam", "sgd"], "default": "adam", "when": {}},
    {"name": "learning_rate_adam", "low": 1e-4, "high": 1e-2, "scale": "log", "step": None, "default": 1e-3},
    {"name": "learning_rate_sgd", "low": 1e-2, "high": 0.3, "scale": "log", "step": None, "default": 0.1},
    {"name": "l2", "low": 1e-6, "high": 1e-3, "scale": "log", "step": None, "default": 1e-6},
]


def trial_of(number: int) -> dict:
    """Trial 5 failed, trial 7 learned nothing, trial 9 was interrupted; every second one has an L2 weight."""
    optimizer = ("adam", "sgd")[number % 2]
    status = {5: "FAILED", 9: "RUNNING"}.get(number, "COMPLETED")
    score = (0.1 if number == 7 else 0.9 + 0.002 * number) if status == "COMPLETED" else None
    started = START + timedelta(minutes=number)
    return {
        "trial_id": f"{number:02d}",
        "status": status,
        "reason": f"out of memory {EVIL}" if status == "FAILED" else None,
        "hyperparameters": {
            "blocks": 1 + number % 3,
            "optimizer": optimizer,
            f"learning_rate_{optimizer}": (1e-4 if optimizer == "adam" else 1e-2) * (1 + number),
            EVIL: EVIL if number % 2 else "plain",
        }
        | ({"l2": 1e-6 * (1 + number)} if number % 2 else {}),
        "score": score,
        "history": [{"epoch": epoch, "val_accuracy": score and score - 0.01 * (2 - epoch)} for epoch in (1, 2)],
        "parameters": 1000,
        "started": started.isoformat(),
        "ended": None if status == "RUNNING" else (started + timedelta(seconds=30)).isoformat(),
        "seconds": 25.0,
        "seed": 0,
    }


REPORT = {
    "schema_version": 2,
    "objective": {"name": "val_accuracy", "direction": "max"},
    "strategy": "random",
    "dataset": "someone/digits",
    "space": SPACE,
    "trials": [trial_of(number) for number in range(30)],
    "best_trial": "29",
    "importance": {
        "method": "permutation importance of a random forest",
        "trials": 28,
        "r2": 0.61,
        "values": [
            {"name": "learning_rate", "importance": 0.31, "std": 0.04},
            {"name": "blocks", "importance": 0.5, "std": 0.1},
            {"name": EVIL, "importance": 0.01, "std": 0.1},
        ],
    },
}


def read_report(folder: Path, **changes: object) -> Search:
    """Write the report, with changed sections, and read it as the page does."""
    (folder / "trials.json").write_text(json.dumps(REPORT | changes))
    return read_search(folder)
