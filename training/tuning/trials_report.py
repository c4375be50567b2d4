"""trials.json: its schema, its leaderboard, its table for spreadsheets. docs/trials.md describes every field."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from model.artifacts import TRIALS_FILE
from model.errors import TrazoError
from model.io.atomic import read_json

if TYPE_CHECKING:  # it brings TensorFlow, for which nobody waits who only looks at a table
    import keras_tuner

SCHEMA_VERSION = 2
LONGEST_REASON = 400  # letters
COLUMNS = ("trial_id", "status", "score", "parameters", "seconds", "started", "ended", "seed")


def now() -> str:
    """Return the time as trials.json writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def row_of(trial: "keras_tuner.engine.trial.Trial", record: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return a trial as trials.json holds it.

    Args:
        trial: KerasTuner's part: hyperparameters, status, score, the trace of a failure.
        record: what the trial itself noted: history, parameters, times.
        seed: of its training.
    """
    failed = trial.status in ("FAILED", "INVALID")
    return {
        "trial_id": trial.trial_id,
        "status": "FAILED" if failed else trial.status,
        "reason": (record.get("reason") or reason_of(trial) or "unknown") if failed else None,
        # What hyperband notes for itself, as tuner/epochs, is no hyperparameter; the history tells the epochs.
        "hyperparameters": {k: v for k, v in trial.hyperparameters.values.items() if not k.startswith("tuner/")},
        "score": trial.score,
        "history": record.get("history", []),
        "parameters": record.get("parameters"),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "seconds": record.get("seconds"),
        "seed": seed,
    }


def reason_of(trial: "keras_tuner.engine.trial.Trial") -> str | None:
    """Return the error of a failed trial's trace, in one line; a worker's trial does not bring it to the chief."""
    if not trial.message:
        return None
    # All that follows the frames: of Keras' errors, which take several lines, the last says nothing.
    error = re.split(r'\n  File "[^\n]*(?:\n +[^\n]*)*\n', trial.message)[-1]
    # Of an error that was written for people the text alone; of any other its kind too. Keras writes in bold.
    return shorten(re.sub(r"^model\.errors\.\w+: |\x1b\[\d*m", "", error), LONGEST_REASON, placeholder=" …")


def space_of(hp: "keras_tuner.HyperParameters") -> list[dict[str, Any]]:
    """Return the space as trials.json holds it: choices by their values, ranges by their ends."""
    rows = []
    for parameter in hp.space:
        row: dict[str, Any] = {"name": parameter.name}
        if hasattr(parameter, "sampling") and parameter.step is None:
            row |= {"low": parameter.min_value, "high": parameter.max_value, "scale": parameter.sampling}
        else:
            row["values"] = list(parameter.values)
        when = {condition.name: list(condition.values) for condition in parameter.conditions}
        rows.append(row | {"default": parameter.default, "when": when})
    return rows


def best_of(rows: list[dict[str, Any]], direction: str) -> str | None:
    """Return the id of the best completed trial; of equals the first."""
    return ranked(rows, direction)[0]["trial_id"] if any(row["score"] is not None for row in rows) else None


def ranked(rows: list[dict[str, Any]], direction: str) -> list[dict[str, Any]]:
    """Return the trials from best to worst, those without a score last."""
    sign = -1 if direction == "max" else 1
    return sorted(rows, key=lambda row: (row["score"] is None, sign * (row["score"] or 0)))


def read_trials(run: Path) -> dict[str, Any]:
    """Return the value of a run's trials.json.

    Raises:
        TrazoError: when there is none, a damaged one, or one of another version.
    """
    report = read_json(run / TRIALS_FILE)
    if report is None:
        raise TrazoError(f"{run} has no {TRIALS_FILE}: it comes from `python -m training tune --output {run} …`")
    version = report.get("schema_version") if isinstance(report, dict) else None
    if version != SCHEMA_VERSION:
        raise TrazoError(f"{run / TRIALS_FILE} has schema_version {version!r}; this Trazo reads {SCHEMA_VERSION}")
    try:
        leaderboard(report), as_csv(report)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise TrazoError(f"{run / TRIALS_FILE} is damaged; the search that made it writes it anew") from None
    return report


def leaderboard(report: dict[str, Any], most: int | None = None) -> str:
    """Return the trials as a table for a terminal, best first; what all of them share is said once, below."""
    rows = ranked(report["trials"], report["objective"]["direction"])
    shared, varied = _shared(rows)
    header = ["trial", "status", report["objective"]["name"], "parameters", "s", "hyperparameters"]
    body = [
        [
            row["trial_id"],
            row["status"],
            _short(row["score"]),
            f"{row['parameters']:,}" if row["parameters"] else "",
            _short(row["seconds"]),
            row["reason"] or named({name: row["hyperparameters"].get(name) for name in varied}),
        ]
        for row in rows[:most]
    ]
    widths = [max(len(line[column]) for line in [header, *body]) for column in range(len(header) - 1)]
    lines = ["  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip() for line in [header, *body]]
    if shared:
        lines.append(f"all: {named(shared)}")
    if len(rows) > len(body):
        lines.append(f"{len(rows) - len(body)} more")
    return "\n".join(lines)


def as_csv(report: dict[str, Any]) -> str:
    """Return the trials as CSV, one row each in the order tried, every hyperparameter in a column of its own."""
    names = list(dict.fromkeys(name for row in report["trials"] for name in row["hyperparameters"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, "epochs", *names, "reason"])
    for row in report["trials"]:
        values = [row["hyperparameters"].get(name) for name in names]
        writer.writerow([*(row[name] for name in COLUMNS), len(row["history"]), *values, row["reason"]])
    return text.getvalue()


def _shared(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Return (hyperparameters that all trials have, with the one value, the names of the others)."""
    points = [row["hyperparameters"] for row in rows]
    names = list(dict.fromkeys(name for point in points for name in point))
    if len(points) < 2:
        return {}, names
    first, *others = points
    shared = {k: v for k, v in first.items() if all(k in point and point[k] == v for point in others)}
    return shared, [name for name in names if name not in shared]


def named(values: dict[str, Any]) -> str:
    """Return values with their names, for a line of text."""
    return "  ".join(f"{name}={_short(value)}" for name, value in values.items() if value is not None)


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
