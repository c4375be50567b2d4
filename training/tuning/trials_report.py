"""trials.json: its rows, its leaderboard, its table for spreadsheets; `model.io.reports.trials` declares its fields."""

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
from model.io.reports.trials import SCHEMA_VERSION, TrialsReport
from model.io.trials import rank_trials
from training.config import TRIAL_OPTIONS

if TYPE_CHECKING:  # these import TensorFlow, which takes seconds; a table of trials does not need it
    import keras_tuner
    from keras_tuner.engine.trial import Trial

    from training.tuning.tuner import SearchJob

MAX_REASON_CHARS = 400
BUDGET = ("trials", "minutes", "max_params", *TRIAL_OPTIONS.values())
CSV_COLUMNS = ("trial_id", "status", "score", "parameters", "seconds", "started", "ended", "seed")


def utc_timestamp() -> str:
    """Return the current time in the format of trials.json."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def build_report(
    job: "SearchJob", oracle: "keras_tuner.Oracle", data: dict[str, Any], records: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the content of trials.json while a search runs: `importance` is added at its end.

    Args:
        job: what is searched.
        oracle: has the trials and the space.
        data: which rows the scores come from, see `provenance.data_section`.
        records: trial id -> what the trial itself noted, see `trial_record`.
    """
    objective = oracle.objective
    # By number: KerasTuner pads ids with zeros to the length of `max_trials`, which may grow between two calls.
    trials = sorted(oracle.trials.values(), key=lambda trial: int(trial.trial_id))
    rows = [trial_row(trial, records[trial.trial_id], job.settings.seed) for trial in trials]
    return {
        "objective": {"name": objective.name, "direction": objective.direction},
        "strategy": job.tune.strategy,
        "dataset": job.train.source.dataset,
        "revision": job.train.source.revision,
        "data": data,
        "seed": job.tune.seed,
        "budget": {name: getattr(job.tune, name) for name in BUDGET},
        "subject": {k: list(v) if isinstance(v, tuple) else v for k, v in job.space.base.items()},
        "overrides": job.space.overrides,
        "searched": list(job.space.searched),
        "space": space_rows(oracle.get_space()),
        "trials": rows,
        "best_trial": best_trial_id(rows, objective.direction),
        "importance": None,
    }


def trial_row(trial: "Trial", record: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return a trial as trials.json holds it.

    Args:
        trial: KerasTuner's part: hyperparameters, status, score, the traceback of a failure.
        record: what the trial itself noted: history, parameters, times.
        seed: of its training.
    """
    failed = trial.status in ("FAILED", "INVALID")
    return {
        "trial_id": trial.trial_id,
        "status": "FAILED" if failed else trial.status,
        "reason": (record.get("reason") or failure_reason(trial) or "unknown") if failed else None,
        # Hyperband's own values, such as tuner/epochs, are not hyperparameters; the history shows the epochs.
        "hyperparameters": {k: v for k, v in trial.hyperparameters.values.items() if not k.startswith("tuner/")},
        "score": trial.score,
        "history": record.get("history", []),
        "parameters": record.get("parameters"),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "seconds": record.get("seconds"),
        "seed": seed,
    }


def failure_reason(trial: "Trial") -> str | None:
    """Return the error of a failed trial in one line; None in a chief, which does not get a worker's traceback."""
    if not trial.message:
        return None
    # Everything after the frames: an error of Keras takes several lines, and the last one alone says nothing.
    error = re.split(r'\n  File "[^\n]*(?:\n +[^\n]*)*\n', trial.message)[-1]
    # For an error that was written for users, only its text; for others the class as well. Keras prints in bold.
    return shorten(re.sub(r"^model\.errors\.\w+: |\x1b\[\d*m", "", error), MAX_REASON_CHARS, placeholder=" …")


def space_rows(hp: "keras_tuner.HyperParameters") -> list[dict[str, Any]]:
    """Return the space as trials.json holds it: the values of choices, the ends of ranges."""
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


def best_trial_id(rows: list[dict[str, Any]], direction: str) -> str | None:
    """Return the id of the best completed trial, the first one if several are equal; None if there is none."""
    return rank_trials(rows, direction)[0]["trial_id"] if any(row["score"] is not None for row in rows) else None


def read_trials(run: Path) -> dict[str, Any]:
    """Return the content of a run's trials.json.

    Raises:
        TrazoError: if there is none, it is damaged, or it has another version.
    """
    path = run / TRIALS_FILE
    value = read_json(path)
    if value is None:
        raise TrazoError(f"{run} has no {TRIALS_FILE}: it comes from `python -m training tune --output {run} …`")
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION:
        raise TrazoError(f"{path} has schema_version {version!r}; this Trazo reads {SCHEMA_VERSION}")
    return TrialsReport.parse(value, path).model_dump()


def format_leaderboard(report: dict[str, Any], limit: int | None = None) -> str:
    """Return the trials as a table for a terminal, best first; hyperparameters that all trials share are listed below.

    Args:
        report: content of trials.json.
        limit: how many trials to show; None for all.
    """
    rows = rank_trials(report["trials"], report["objective"]["direction"])
    shared, varied = _shared_and_varied(rows)
    header = ["trial", "status", report["objective"]["name"], "parameters", "s", "hyperparameters"]
    body = [
        [
            row["trial_id"],
            row["status"],
            _format_value(row["score"]),
            f"{row['parameters']:,}" if row["parameters"] else "",
            _format_value(row["seconds"]),
            row["reason"] or format_values({name: row["hyperparameters"].get(name) for name in varied}),
        ]
        for row in rows[:limit]
    ]
    widths = [max(len(line[column]) for line in [header, *body]) for column in range(len(header) - 1)]
    lines = ["  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip() for line in [header, *body]]
    if shared:
        lines.append(f"all: {format_values(shared)}")
    if len(rows) > len(body):
        lines.append(f"{len(rows) - len(body)} more")
    return "\n".join(lines)


def format_csv(report: dict[str, Any]) -> str:
    """Return the trials as CSV, one row per trial in the order tried, one column per hyperparameter."""
    names = list(dict.fromkeys(name for row in report["trials"] for name in row["hyperparameters"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*CSV_COLUMNS, "epochs", *names, "reason"])
    for row in report["trials"]:
        values = [row["hyperparameters"].get(name) for name in names]
        writer.writerow([*(row[name] for name in CSV_COLUMNS), len(row["history"]), *values, row["reason"]])
    return text.getvalue()


def _shared_and_varied(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Return (hyperparameters that have one value in all trials, with it; the names of the others)."""
    points = [row["hyperparameters"] for row in rows]
    names = list(dict.fromkeys(name for point in points for name in point))
    if len(points) < 2:
        return {}, names
    first, *others = points
    shared = {k: v for k, v in first.items() if all(k in point and point[k] == v for point in others)}
    return shared, [name for name in names if name not in shared]


def format_values(values: dict[str, Any]) -> str:
    """Return named values for a line of text, without those that are None."""
    return "  ".join(f"{name}={_format_value(value)}" for name, value in values.items() if value is not None)


def _format_value(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
