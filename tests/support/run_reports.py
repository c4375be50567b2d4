"""The three reports of a small run, as dicts."""

import json
from pathlib import Path

TRIALS = {
    "schema_version": 1,
    "objective": {"name": "val_accuracy", "direction": "max"},
    "dataset": "someone/letters",
    "trials": [
        {
            "trial_id": f"{number:04d}",
            "status": status,
            "hyperparameters": {
                "filters": 16 * (number + 1),
                "optimizer": optimizer,
                f"learning_rate_{optimizer}": 0.01,
            },
            "score": score,
            "history": [],
            "parameters": 1000 * number,
            "seconds": 12.5,
            "reason": "out of memory" if status == "FAILED" else None,
        }
        for number, (status, score, optimizer) in enumerate(
            [
                ("COMPLETED", 0.95, "adam"),
                ("FAILED", None, "sgd"),
                ("COMPLETED", 0.9876543, "adamw"),
                ("COMPLETED", 0.97, "adam"),
                ("RUNNING", None, "adam"),
            ]
        )
    ],
    "best_trial": "0002",
}
TRAINING = {
    "data": {"dataset": "someone/letters", "split": "train", "rows": {"train": 90, "validation": 10}},
    "hyperparameters": {},
    "seed": 0,
    "seconds": 12.5,
    "parameters": 1000,
    "history": [
        {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.3, "val_accuracy": 0.9, "learning_rate": 0.01},
        {"epoch": 2, "loss": 0.2, "accuracy": 0.9, "val_loss": None, "val_accuracy": 0.95, "learning_rate": 0.01},
    ],
    "best_epoch": 2,
}
EVALUATION = {
    "dataset": "someone/letters",
    "split": "test",
    "rows": 10000,
    "accuracy": 0.99515,
    "labels": ["a", "b"],
    "confusion_matrix": [[40, 2], [0, 58]],
}


def write(folder: Path, name: str, report: dict | str) -> Path:
    """Write a report, or any text, into a folder, and return the folder."""
    (folder / name).write_text(report if isinstance(report, str) else json.dumps(report))
    return folder
