"""Whether a search is worth its time: `run` against each preset in the same minutes, and the epochs it saves.

    python -m benchmarks.search --data FOLDER … --minutes 60 [--seeds 3] [--parts run epochs] [--write]

FOLDER holds a dataset in the layout of a Hub repo, or one folder of images per class. Two parts:

run     `python -m training run --minutes M`, and each suitable preset trained for as long as fits into the same minutes
        by the same measurement of the speed. Compared on the validation rows, since a search chooses by them; the
        accuracy on test is printed next to it, and chooses nothing.
epochs  `tune` as it is, without `--minutes`; then a random search of the same space, whose points have the presets'
        kinds of network and recipe as well, without the presets as first trials and without trials that are stopped, of
        the same length of a trial, until it has reached the score of the first one, or has spent `--cap` times its
        epochs. Epochs are counted in steps, divided by those of all training rows. Without the score nothing is said of
        what is saved: that would follow from `--cap`.

`python -m benchmarks.tuner` measures the overhead over plain KerasTuner with the same points.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import about, report
from model.artifacts import EVALUATION_FILE, TRAINING_FILE
from model.logs import log_to
from model.quiet import quiet

with quiet():
    from training.commands.evaluate import evaluate
    from training.commands.run import run_all
    from training.commands.train import train
    from training.commands.tune import prepare_search, tune
    from training.config import DataConfig, TuneConfig
    from training.tuning.plan import RunClock
    from training.tuning.search_job import SearchJob
    from training.tuning.trials_report import read_trials
    from training.tuning.tuner import BudgetExhaustedError, StreamTuner, run_search

PARTS = ("run", "epochs")
MAX_RANDOM_TRIALS = 1000


def measure_run(data: DataConfig, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Search and train within the minutes."""
    run_all(data, {"seed": seed}, TuneConfig(minutes=minutes, seed=seed), folder)
    trials = read_trials(folder).trials if (folder / "trials.json").exists() else []
    stopped = sum(trial.stopped is not None for trial in trials)
    return _result(folder) | {"trials": len(trials), "stopped": stopped}


def measure_preset(data: DataConfig, folder: Path, minutes: float, seed: int, preset: str) -> dict[str, Any]:
    """Train a preset for as long as fits into the minutes."""
    train(data, {"seed": seed}, folder, preset, clock=RunClock(minutes, folder))
    evaluate(str(folder), data, folder)
    return _result(folder)


def _result(folder: Path) -> dict[str, Any]:
    training = json.loads((folder / TRAINING_FILE).read_text(encoding="utf-8"))
    evaluation = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    best = training["history"][training["best_epoch"] - 1]
    name = "accuracy" if "val_accuracy" in best else "mean_absolute_error"
    return {"validation": best[f"val_{name}"], "test": evaluation[name], "epochs": len(training["history"])}


def suitable(data: DataConfig, folder: Path) -> list[str]:
    """Return the names of the presets that a search of the dataset starts with."""
    job, *_ = prepare_search(data, {}, TuneConfig(), folder)
    return [*job.space.presets]


def compare_epochs(data: DataConfig, folder: Path, seed: int, cap: float) -> dict[str, Any]:
    """Return the epochs of a search, and those of a random one until it has reached the same score."""
    tune(data, {"seed": seed}, TuneConfig(seed=seed), folder / "search")
    found = read_trials(folder / "search")
    job, *_ = prepare_search(data, {"seed": seed}, TuneConfig(seed=seed), folder / "random")
    target, spent = found.best, _epochs(job, folder / "search")
    assert target is not None and target.score is not None
    random = run_random(job, target.score, cap * spent)
    sign = 1 if found.objective.direction == "max" else -1
    reached = random.best is not None and sign * (random.best.score or 0) >= sign * target.score
    return {
        "score": target.score,
        "epochs": round(spent, 1),
        "random score": random.best.score if random.best else None,
        "random epochs": round(_epochs(job, folder / "random"), 1),
        "reached": reached,
        "saved": 1 - spent / _epochs(job, folder / "random") if reached else None,
    }


def run_random(job: SearchJob, target: float, max_epochs: float) -> Any:
    """Search the job's space at random until a score, or so many epochs of all rows; return its trials.json."""
    tune_config = replace(job.tune, strategy="random", trials=MAX_RANDOM_TRIALS, full_trials=True)
    job = replace(job, tune=tune_config, known={})
    original = StreamTuner.on_trial_end

    def on_trial_end(self: StreamTuner, trial: Any) -> None:
        original(self, trial)
        best = self.oracle.best_full_trial()
        sign = 1 if self.oracle.objective.direction == "max" else -1
        reached = best is not None and sign * best.score >= sign * target
        if reached or _epochs(job, job.folder) >= max_epochs:
            raise BudgetExhaustedError

    StreamTuner.on_trial_end = on_trial_end
    try:
        run_search(job)
    finally:
        StreamTuner.on_trial_end = original
    return read_trials(job.folder)


def _epochs(job: SearchJob, folder: Path) -> float:
    """Return how often the trials of a folder have seen all training rows."""
    steps = min(len(job.train), job.tune.trial_steps or len(job.train))
    return sum(len(trial.history or ()) for trial in read_trials(folder).trials) * steps / len(job.train)


def timed(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Return what a function returns, with the minutes that it took."""
    started = time.monotonic()
    result = function(*arguments)
    return result | {"minutes": (time.monotonic() - started) / 60}


def run_part(data: DataConfig, folder: Path, minutes: float, seeds: int) -> list[str]:
    """Measure `run` and every suitable preset; return a table."""
    names = suitable(data, folder / "presets")
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(seeds):
        found.setdefault("`run`", []).append(timed(measure_run, data, folder / f"run-{seed}", minutes, seed))
        for name in names:
            path = folder / f"{name}-{seed}"
            found.setdefault(f"`{name}`", []).append(timed(measure_preset, data, path, minutes, seed, name))
    lines = [
        f"| {minutes:g} minutes each | validation | test | minutes | epochs of the training | trials (stopped) |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, runs in found.items():
        trials = ", ".join(f"{one['trials']} ({one['stopped']})" for one in runs if "trials" in one)
        columns = [", ".join(f"{one[column]:.4f}" for one in runs) for column in ("validation", "test")]
        took = f"{median(one['minutes'] for one in runs):.1f}"
        epochs = ", ".join(str(one["epochs"]) for one in runs)
        lines.append(f"| {name} | {' | '.join(columns)} | {took} | {epochs} | {trials} |")
    return lines


def epochs_part(data: DataConfig, folder: Path, seeds: int, cap: float) -> list[str]:
    """Measure the epochs of a search and of a random one; return a table."""
    lines = [
        "| seed | score of the search | its epochs | score of the random search | its epochs | saved |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for seed in range(seeds):
        one = compare_epochs(data, folder / f"epochs-{seed}", seed, cap)
        random = "none" if one["random score"] is None else f"{one['random score']:.4f}"
        epochs = f"{one['epochs']} | {random} | {one['random epochs']}"
        saved = f"{100 * one['saved']:.0f} %" if one["reached"] else "not reached"
        lines.append(f"| {seed} | {one['score']:.4f} | {epochs} | {saved} |")
    return lines


def main() -> None:
    """Measure every dataset and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("training/sample")])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--max-rows", type=int, help="of each dataset")
    parser.add_argument("--parts", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--cap", type=float, default=3, help="epochs of the random search, in those of the other")
    parser.add_argument("--output", type=Path, help="folder that keeps the runs")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    log_to("stdout")
    with tempfile.TemporaryDirectory() as temporary:
        for path in options.data:
            data = DataConfig(str(path), max_rows=options.max_rows)
            folder, lines = (options.output or Path(temporary)) / path.name, list[str]()
            if "run" in options.parts:
                lines += [*run_part(data, folder, options.minutes, options.seeds), ""]
            if "epochs" in options.parts:
                lines += [*epochs_part(data, folder, options.seeds, options.cap), ""]
            chosen = f"--minutes {options.minutes:g} --seeds {options.seeds} --parts {' '.join(options.parts)}"
            lines.append(about("benchmarks.search", path, chosen))
            report(f"What a search is worth: {path.name}", "\n".join(lines), options.write)


if __name__ == "__main__":
    main()
