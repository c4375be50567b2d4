"""trials.json: its rows, its leaderboard, its table for spreadsheets; `model.io.reports.trials` declares its fields."""

import csv
import io
import re
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from model.artifacts import TRIALS_FILE
from model.errors import TrazoError
from model.io.atomic import read_json, without_nan
from model.io.reports.schema import Values
from model.io.reports.trials import SCHEMA_VERSION, Parameter, Trial, TrialsReport
from model.io.trials import comparable_trials, rank_trials
from model.scores import MAX_ROWS_WITH_INTERVAL, wilson_interval
from model.words import counted
from training.config import TRIAL_OPTIONS
from training.tuning.choice import choose_trial

if TYPE_CHECKING:  # these import TensorFlow, which takes seconds; a table of trials does not need it
    import keras_tuner
    from keras_tuner.engine import trial as kerastuner

    from training.tuning.oracles import ResumableOracle
    from training.tuning.search_job import SearchJob

MAX_REASON_CHARS = 400
BUDGET = ("trials", "search_patience", "full_trials", "minutes", "max_params", *TRIAL_OPTIONS.values())
CSV_COLUMNS = ("trial_id", "status", "score", "parameters", "seconds", "started", "ended", "seed")


def build_report(
    job: "SearchJob",
    oracle: "ResumableOracle",
    data: dict[str, Any],
    records: dict[str, dict[str, Any]],
    spent_s: float,
) -> TrialsReport:
    """Return trials.json while a search runs: `importance` is added at its end.

    Args:
        job: what is searched.
        oracle: has the trials and the space.
        data: which rows the scores come from, see `provenance.data_section`.
        records: trial id -> what the trial itself noted, see `trial_record`.
        spent_s: seconds that the search has taken.
    """
    objective = oracle.objective
    # By number: KerasTuner pads ids with zeros to the length of `max_trials`, which may grow between two calls.
    trials = sorted(oracle.trials.values(), key=lambda trial: int(trial.trial_id))
    rows = [make_trial(trial, records[trial.trial_id], job.settings.seed) for trial in trials]
    origins = dict(enumerate(job.starting_points))
    for number, row in enumerate(rows):
        # Hyperband repeats a promising point, longer, in another trial.
        known = (origin for origin, values in job.starting_points.items() if values == row.hyperparameters)
        row.origin, row.stopped = origins.get(number, next(known, None)), oracle.stop_reasons.get(row.trial_id)
    strategy = "planned" if job.plan else job.tune.strategy
    comparable = comparable_trials(rows, strategy)
    measured = data["rows"]["validation"]
    chosen, because = choose_trial(
        comparable, objective.name, objective.direction, measured, job.training_time, spent_s
    )
    return TrialsReport.build(
        objective={"name": objective.name, "direction": objective.direction},
        strategy=strategy,
        dataset=job.train.source.dataset,
        revision=job.train.source.revision,
        data=data,
        seed=job.tune.seed,
        budget={name: getattr(job.tune, name) for name in BUDGET},
        subject=job.space.base,
        overrides=job.space.overrides,
        searched=job.space.searched,
        presets={
            name: {"architecture": preset.architecture, "training": preset.training}
            for name, preset in job.space.presets.items()
        },
        space=make_parameters(oracle.get_space()),
        trials=rows,
        best_trial=best_trial_id(comparable, objective.direction),
        chosen_trial=chosen,
        chosen_because=because,
        importance=None,
    )


def make_trial(trial: "kerastuner.Trial", record: dict[str, Any], seed: int) -> Trial:
    """Return a trial as trials.json holds it.

    Args:
        trial: KerasTuner's part: hyperparameters, status, score, the traceback of a failure.
        record: what the trial itself noted: history, parameters, times.
        seed: of its training, unless that is one of its hyperparameters.
    """
    failed = trial.status in ("FAILED", "INVALID")
    values = {
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
        "seed": trial.hyperparameters.values.get("seed", seed),
    }
    return Trial.model_validate(without_nan(values))


def failure_reason(trial: "kerastuner.Trial") -> str | None:
    """Return the error of a failed trial in one line; None in a chief, which does not get a worker's traceback."""
    if not trial.message:
        return None
    # Everything after the frames: an error of Keras takes several lines, and the last one alone says nothing.
    error = re.split(r'\n  File "[^\n]*(?:\n +[^\n]*)*\n', trial.message)[-1]
    # For an error that was written for users, only its text; for others the class as well. Keras prints in bold.
    return shorten(re.sub(r"^model\.errors\.\w+: |\x1b\[\d*m", "", error), MAX_REASON_CHARS, placeholder=" …")


def make_parameters(hp: "keras_tuner.HyperParameters") -> list[Parameter]:
    """Return the space as trials.json holds it: the values of choices, the ends of ranges."""
    parameters = []
    for parameter in hp.space:
        row: dict[str, Any] = {"name": parameter.name}
        if hasattr(parameter, "sampling") and parameter.step is None:
            row |= {"low": parameter.min_value, "high": parameter.max_value, "scale": parameter.sampling}
        else:
            row["values"] = list(parameter.values)
        when = {condition.name: list(condition.values) for condition in parameter.conditions}
        parameters.append(Parameter(**row, default=parameter.default, when=when))
    return parameters


def best_trial_id(trials: list[Trial], direction: str) -> str | None:
    """Return the id of the best of comparable trials, the first one if several are equal; None if there is none."""
    return rank_trials(trials, direction)[0].trial_id if trials else None


def read_trials(run: Path) -> TrialsReport:
    """Return a run's trials.json.

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
    return TrialsReport.parse(value, path)


def format_leaderboard(report: TrialsReport, limit: int | None = None) -> str:
    """Return the trials as a table for a terminal, best first; hyperparameters that all trials share are listed below.

    Args:
        report: the search.
        limit: how many trials to show; None for all.
    """
    trials = rank_trials(report.trials, report.objective.direction)
    shared, varied = _shared_and_varied([trial.hyperparameters for trial in trials])
    header = ["trial", "status", report.objective.name, "parameters", "s", "hyperparameters"]
    body = [
        [
            trial.trial_id,
            f"stopped after {len(trial.history or ())}" if trial.stopped else trial.status,
            _format_value(trial.score),
            f"{trial.parameters:,}" if trial.parameters else "",
            _format_value(trial.seconds),
            trial.reason or format_values({name: trial.hyperparameters.get(name) for name in varied}),
        ]
        for trial in trials[:limit]
    ]
    widths = [max(len(line[column]) for line in [header, *body]) for column in range(len(header) - 1)]
    lines = ["  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip() for line in [header, *body]]
    if interval := describe_interval(report):
        lines.append(f"best: {report.best_trial}{interval}")
    if shared:
        lines.append(f"all: {format_values(shared)}")
    if len(trials) > len(body):
        lines.append(f"{len(trials) - len(body)} more")
    return "\n".join(lines)


def describe_interval(report: TrialsReport) -> str:
    """Return, in brackets, how far the best accuracy may be from that on many rows; empty if it has enough rows."""
    best, rows = report.best, report.data.rows.validation if report.data else 0
    if report.objective.name != "val_accuracy" or best is None or best.score is None:
        return ""
    if not 0 < rows <= MAX_ROWS_WITH_INTERVAL or not 0 <= best.score <= 1:
        return ""
    low, high = wilson_interval(best.score, rows)
    return f" (on {counted(rows, 'validation row')}; 95 % interval: {low:.4f} to {high:.4f})"


def format_csv(report: TrialsReport) -> str:
    """Return the trials as CSV, one row per trial in the order tried, one column per hyperparameter."""
    names = list(dict.fromkeys(name for trial in report.trials for name in trial.hyperparameters))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*CSV_COLUMNS, "epochs", *names, "reason"])
    for trial in report.trials:
        columns = [getattr(trial, name) for name in CSV_COLUMNS]
        values = [trial.hyperparameters.get(name) for name in names]
        writer.writerow([*columns, len(trial.history or ()), *values, trial.reason])
    return text.getvalue()


def _shared_and_varied(points: list[Values]) -> tuple[Values, list[str]]:
    """Return (hyperparameters that have one value in all trials, with it; the names of the others)."""
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
