"""A study.json with every kind of verdict."""

import json
from pathlib import Path

from model.io.reports.study import StudyReport


def level(value: str, mean: float | None, verdict: str = "indistinguishable", **more) -> dict:
    """Return a value of a choice with two seeds."""
    scores = [] if mean is None else [mean - 0.01, mean + 0.01]
    interval = {} if mean is None else {"mean": mean, "low": mean - 0.02, "high": mean + 0.02}
    cost = {"seconds": 2.5, "parameters": 1234}
    curves = {"loss": [1.0, 0.5], "val_loss": [1.1, 0.9]}
    return {"value": value, "scores": scores, "verdict": verdict, "curves": curves, **cost, **interval, **more}


DROPOUT = {
    "name": "dropout",
    "levels": [
        level("0", 0.9, "base", is_base=True),
        level("0.5", 0.95, "better", p=0.01),
        level("0.7", 0.8, "worse", p=0.001),
        level("0.2", 0.91),
        level("0.9", None, "unknown"),
    ],
}


def study(*factors: dict) -> StudyReport:
    """Return a study of these choices."""
    return StudyReport.build(
        measure={"name": "val_accuracy", "direction": "max"},
        dataset="digits",
        data={"dataset": "digits", "split": "train", "rows": {"train": 2000, "validation": 1000}},
        subject={"labels": ["a", "b"], "task": "binary", "image_shape": [8, 8, 1]},
        base={},
        epochs=2,
        seeds=2,
        runs=8,
        factors=list(factors),
    )


def write_study(folder: Path, *factors: dict) -> Path:
    """Write study.json into a folder, and return the folder."""
    (folder / "study.json").write_text(json.dumps(study(*factors).to_dict()))
    return folder
