"""KerasTuner's search over the stream: interrupted trials go on, failed ones are told, trials.json says it all."""

import gc
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import keras_tuner.src.config
from keras_tuner import oracles

from model import files, heads
from model.config import CnnConfig
from model.errors import TrazoError
from model.scaling import PixelHistogram
from training.config import TrainConfig, TuneConfig
from training.search_space import build
from training.stream import HubStream
from training.trainer import Progress, fit

SCHEMA_VERSION = 1
keras_tuner.src.config.DEBUG = False  # a failed trial is told in one line and in trials.json, not by a trace


@dataclass(frozen=True)
class Search:
    """What is searched, on which rows, and where its files go."""

    base: dict[str, Any]  # fields of CnnConfig that every trial shares
    settings: TrainConfig  # of every trial; a trial's hyperparameters replace some fields
    tune: TuneConfig
    train: HubStream  # rows to learn from
    validation: HubStream  # rows that score a trial
    histogram: PixelHistogram  # of the training rows' pixels, for the scaling
    folder: Path  # of the run: trials.json, and the tuner's own files in `tuner/`


class StreamTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """A KerasTuner tuner whose trials run through `trainer.fit`, checkpoints and all."""

    def __init__(self, oracle: keras_tuner.Oracle, search: Search) -> None:
        """Join a strategy of KerasTuner with a search; an earlier call's trials in the folder are taken up."""
        self._search = search
        super().__init__(oracle, hypermodel=build, directory=str(search.folder), project_name="tuner")

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Train one point of the space and return its score; from its checkpoint where it was interrupted."""
        record = self._record(trial)
        network, training = build(trial.hyperparameters)
        network["scaling"] = self._search.histogram.fit(network["scaling"])
        epochs = trial.hyperparameters.values.get("tuner/epochs", self._search.tune.trial_epochs)  # hyperband sets it
        limits = {"epochs": epochs, "patience": epochs, "steps_per_epoch": self._search.tune.trial_steps}
        config = CnnConfig(**self._search.base | network)
        settings = TrainConfig(**vars(self._search.settings) | training | limits)

        def on_epoch(progress: Progress) -> None:
            record.update(history=progress.history, seconds=round(progress.seconds, 1))
            self._write(record)

        checkpoint = self._trial_folder(trial) / "checkpoint.safetensors"
        trained, progress = fit(
            config, settings, self._search.train, self._search.validation, checkpoint=checkpoint, on_epoch=on_epoch
        )
        record.update(parameters=trained.count_params())
        self._write(record)
        checkpoint.unlink()  # a finished trial is its record; weights of trials are not used
        objective = self.oracle.objective
        best = {"max": max, "min": min}[objective.direction]
        return {objective.name: best(row[objective.name] for row in progress.history)}

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Tell KerasTuner, write trials.json, and give memory back."""
        super().on_trial_end(trial)
        row = next(row for row in self.report()["trials"] if row["trial_id"] == trial.trial_id)
        outcome = row["reason"] or f"{self.oracle.objective.name} {row['score']:.4f} in {row['seconds']} s"
        print(f"trial {trial.trial_id}  {outcome}  {row['hyperparameters']}", flush=True)
        keras.backend.clear_session()
        gc.collect()

    def report(self) -> dict[str, Any]:
        """Write trials.json whole and return it."""
        rows = [self._row(trial) for _, trial in sorted(self.oracle.trials.items())]
        objective = self.oracle.objective
        completed = [row for row in rows if row["status"] == "COMPLETED" and row["score"] is not None]
        choose = {"max": max, "min": min}[objective.direction]
        value = {
            "schema_version": SCHEMA_VERSION,
            "objective": {"name": objective.name, "direction": objective.direction},
            "strategy": self._search.tune.strategy,
            "dataset": self._search.train.source.dataset,
            "revision": self._search.train.source.revision,
            "seed": self._search.tune.seed,
            "trials": rows,
            "best_trial": choose(completed, key=lambda row: row["score"])["trial_id"] if completed else None,
        }
        files.write_json(self._search.folder / files.TRIALS, value)
        return value

    def _row(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, Any]:
        record = files.read_json(self._trial_folder(trial) / "record.json") or {}
        failed = trial.status in ("FAILED", "INVALID")
        return {
            "trial_id": trial.trial_id,
            "status": "FAILED" if failed else trial.status,
            "hyperparameters": {k: v for k, v in trial.hyperparameters.values.items() if not k.startswith("tuner/")},
            "score": trial.score,
            "history": record.get("history", []),
            "parameters": record.get("parameters"),
            "started": record.get("started"),
            "seconds": record.get("seconds"),
            "reason": (trial.message or "unknown").strip().splitlines()[-1] if failed else None,
        }

    def _record(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, Any]:
        self._trial_folder(trial).mkdir(parents=True, exist_ok=True)
        record = files.read_json(self._trial_folder(trial) / "record.json")
        if record is None:
            started = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            record = {"trial_id": trial.trial_id, "started": started}
            self._write(record)
        return record

    def _write(self, record: dict[str, Any]) -> None:
        files.write_json(self._search.folder / "tuner" / f"trial_{record['trial_id']}" / "record.json", record)

    def _trial_folder(self, trial: keras_tuner.engine.trial.Trial) -> Path:
        return self._search.folder / "tuner" / f"trial_{trial.trial_id}"


def run_search(search: Search) -> dict[str, Any]:
    """Search until `tune.trials` trials have ended, going on where an earlier call was stopped.

    Returns:
        the value of trials.json.

    Raises:
        TrazoError: when no trial completed, with the reason of the last.
    """
    oracle = _oracle(search.tune, search.base["problem"])
    tuner = StreamTuner(oracle, search)
    try:
        oracle.verbose = 0
        tuner.search()
    except RuntimeError as error:  # KerasTuner's way to say that too many trials failed in a row
        tuner.report()
        raise TrazoError(f"the search stopped: {str(error).strip().splitlines()[-1]}") from None
    report = tuner.report()
    if report["best_trial"] is None:
        reasons = [trial["reason"] for trial in report["trials"] if trial["reason"]]
        raise TrazoError(f"no trial completed; the last one's reason: {reasons[-1] if reasons else 'none was started'}")
    return report


def best_hyperparameters(report: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (fields of CnnConfig, fields of TrainConfig) of the best trial of a trials.json."""
    best = next(trial for trial in report["trials"] if trial["trial_id"] == report["best_trial"])
    hp = keras_tuner.HyperParameters()
    hp.values = dict(best["hyperparameters"])
    return build(hp)


def _oracle(tune: TuneConfig, problem: str) -> keras_tuner.Oracle:
    metric = heads.HEADS[problem].metric
    objective = keras_tuner.Objective(f"val_{metric}", "max" if metric == "accuracy" else "min")
    # KerasTuner takes seed 0 for "no seed" and draws one.
    common = {"objective": objective, "seed": tune.seed + 1, "max_consecutive_failed_trials": max(3, tune.trials)}
    if tune.strategy == "hyperband":
        return oracles.HyperbandOracle(max_epochs=tune.trial_epochs, **common)
    if tune.strategy == "grid":
        return oracles.GridSearchOracle(max_trials=tune.trials, **common)
    kind = {"random": oracles.RandomSearchOracle, "bayesian": oracles.BayesianOptimizationOracle}[tune.strategy]
    return _from_defaults(kind)(max_trials=tune.trials, **common)


def _from_defaults(kind: type[keras_tuner.Oracle]) -> type[keras_tuner.Oracle]:
    """Return a strategy whose first trial is the space's default point; its further ones are KerasTuner's."""

    class FromDefaults(kind):
        def populate_space(self, trial_id: str) -> dict[str, Any]:
            if self.start_order:
                return super().populate_space(trial_id)
            hp = self.get_space()
            hp.values = {}
            for parameter in hp.space:  # parents come before what depends on them
                if hp.is_active(parameter):
                    hp.values[parameter.name] = parameter.default
            return {"status": "RUNNING", "values": hp.values}

    return FromDefaults
