"""KerasTuner's search over the stream: interrupted trials go on, failed ones are told, trials.json says it all."""

import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import shorten
from typing import Any

import keras
import keras_tuner
import keras_tuner.src.config
import keras_tuner.src.utils
from keras_tuner import oracles

from model import files, heads
from model.config import CnnConfig
from model.errors import StreamError, TrazoError
from model.scaling import PixelHistogram
from training.checkpoint import differences
from training.config import TrainConfig, TuneConfig
from training.search_space import build
from training.stream import HubStream
from training.trainer import Progress, fit

SCHEMA_VERSION = 1
LENGTH = ("epochs", "patience", "steps_per_epoch")  # fields of TrainConfig that `TuneConfig` sets for a trial
START_ANEW = "use another --output, or delete the folder tuner/ in it to search anew"
GOES_ON = "the same command goes on once that is mended"


class SearchInterrupted(keras_tuner.errors.FatalError, StreamError):
    """What failed was not the trial: the one kind of error that KerasTuner lets pass, so that no trial is marked."""


def _save_json(path: str, value: Any) -> str:
    """Do what KerasTuner's `save_json` does, but write the file whole."""
    text = json.dumps(value)
    files.write_whole(path, text)
    return text


def _load_json(path: str | Path) -> Any:
    """Do what KerasTuner's `load_json` does, with an error for people.

    Raises:
        TrazoError: when the file is missing or damaged.
    """
    try:
        value = files.read_json(path)
    except files.DamagedFile:
        value = None
    if value is None:
        raise TrazoError(f"{path} of an earlier search is missing or damaged; {START_ANEW}")
    return value


keras_tuner.src.config.DEBUG = False  # a failed trial is told in one line and in trials.json, not by a trace
# The oracle, the tuner and each trial are kept through these two. KerasTuner's own write in place: `kill -9` or a full
# disk in the middle would leave half a file, and no later start could read it.
keras_tuner.src.utils.save_json, keras_tuner.src.utils.load_json = _save_json, _load_json


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

    def reload(self) -> None:
        """Take up an earlier call's trials; one that had not ended is the next to run.

        Raises:
            TrazoError: when KerasTuner's files are missing, damaged or do not fit together.
        """
        try:
            super().reload()
            # A kill may fall between the file of a trial and that of the oracle. A trial that the oracle had not yet
            # noted is drawn again, with the same values; one that it had already ended is not run again.
            oracle = self.oracle
            oracle.trials = {name: oracle.trials[name] for name in oracle.start_order}
            oracle._retry_queue = [name for name in oracle._retry_queue if name not in oracle.end_order]
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            raise TrazoError(f"the files in {self.project_dir} do not fit together; {START_ANEW}") from None

    def on_search_begin(self) -> None:
        """Save before the first trial: KerasTuner takes up nothing before the first save."""
        self.save()

    def _run_and_update_trial(self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any) -> None:
        """Run a trial and write its score; what fails outside it ends the search, and the next call goes on with it.

        Raises:
            SearchInterrupted: for the network, the disk or a damaged file.
        """
        try:
            super()._run_and_update_trial(trial, *args, **kwargs)
        except (StreamError, files.DamagedFile) as error:
            raise SearchInterrupted(str(error)) from error
        except OSError as error:
            raise SearchInterrupted(f"{error}; {GOES_ON}") from error

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Train one point of the space and return its score; from its checkpoint where it was interrupted."""
        record = self._record(trial)
        network, training = build(trial.hyperparameters)
        network["scaling"] = self._search.histogram.fit(network["scaling"])
        epochs = trial.hyperparameters.values.get("tuner/epochs", self._search.tune.trial_epochs)  # hyperband sets it
        length = dict(zip(LENGTH, (epochs, epochs, self._search.tune.trial_steps), strict=True))
        config = CnnConfig(**self._search.base | network)
        settings = TrainConfig(**vars(self._search.settings) | training | length)

        def on_epoch(progress: Progress) -> None:
            record.update(history=progress.history, seconds=round(progress.seconds, 1))
            self._write(record)

        train, validation = self._search.train, self._search.validation
        trained, progress = fit(
            config, settings, train, validation, checkpoint=self._checkpoint(trial), on_epoch=on_epoch
        )
        record.update(parameters=trained.count_params())
        on_epoch(progress)  # once more: a start that finds the training finished in its checkpoint has had no epoch
        objective = self.oracle.objective
        best = {"max": max, "min": min}[objective.direction]
        return {objective.name: best(row[objective.name] for row in progress.history)}

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Tell KerasTuner, write trials.json, and give memory back."""
        super().on_trial_end(trial)
        # A trial that has ended is its record: the weights are not used. Before this line they may be, by a next call.
        self._checkpoint(trial).unlink(missing_ok=True)
        row = next(row for row in self.report()["trials"] if row["trial_id"] == trial.trial_id)
        outcome = row["reason"] or f"{self.oracle.objective.name} {row['score']:.4f} in {row['seconds']} s"
        print(f"trial {trial.trial_id}  {outcome}  {row['hyperparameters']}", flush=True)
        keras.backend.clear_session()
        gc.collect()

    def report(self) -> dict[str, Any]:
        """Write trials.json whole and return it."""
        # By number: KerasTuner pads with as many zeros as the number of trials asked for needs, and that may rise.
        rows = [self._row(trial) for trial in sorted(self.oracle.trials.values(), key=lambda t: int(t.trial_id))]
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

    def _checkpoint(self, trial: keras_tuner.engine.trial.Trial) -> Path:
        return self._trial_folder(trial) / "checkpoint.safetensors"

    def _trial_folder(self, trial: keras_tuner.engine.trial.Trial) -> Path:
        return self._search.folder / "tuner" / f"trial_{trial.trial_id}"


def run_search(search: Search) -> dict[str, Any]:
    """Search until `tune.trials` trials have ended, going on where an earlier call was stopped.

    Returns:
        the value of trials.json.

    Raises:
        TrazoError: when no trial completed, with the reason of the last; when the folder holds another search, with
            what differs, or a damaged one.
        StreamError: when the network or the disk failed; the next call goes on with the trial that was interrupted.
    """
    try:
        _check_identity(search)
        tuner = StreamTuner(_oracle(search.tune, search.base["problem"]), search)
        tuner.oracle.verbose = 0
        tuner.search()
        report = tuner.report()
    except OSError as error:  # between two trials
        raise StreamError(f"{error}; {GOES_ON}") from None
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


def _check_identity(search: Search) -> None:
    """Write beside KerasTuner's files what the search is about; refuse the files of another one.

    Raises:
        TrazoError: with what differs.
    """
    path = search.folder / "tuner" / "search.json"
    identity = json.loads(json.dumps(_identity(search)))
    if not path.exists() and not (path.parent / "oracle.json").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(path, identity)
    elif different := differences(_load_json(path), identity):
        shown = ", ".join(shorten(one, 100, placeholder=" …") for one in different)
        raise TrazoError(f"{path.parent} belongs to another search ({shown}); {START_ANEW}")


def _identity(search: Search) -> dict[str, Any]:
    """Return all that a trial's score depends on beside its hyperparameters; not their number, which may rise."""
    train, validation = search.train, search.validation
    _, of_a_trial = build(keras_tuner.HyperParameters())
    return {
        "data": {"train": train.key, "validation": validation.key, "window_rows": train.window_rows},
        "network": search.base,
        "training": {k: v for k, v in asdict(search.settings).items() if k not in (*of_a_trial, *LENGTH)},
        "search": {k: v for k, v in asdict(search.tune).items() if k != "trials"},
    }


def _oracle(tune: TuneConfig, problem: str) -> keras_tuner.Oracle:
    metric = heads.HEADS[problem].metric
    objective = keras_tuner.Objective(f"val_{metric}", "max" if metric == "accuracy" else "min")
    # KerasTuner takes seed 0 for "no seed" and draws one. Failures in a row are no end: the number of trials is.
    common = {"objective": objective, "seed": tune.seed + 1, "max_consecutive_failed_trials": sys.maxsize}
    if tune.strategy == "hyperband":
        oracle = oracles.HyperbandOracle(max_epochs=tune.trial_epochs, **common)
        oracle.max_trials = tune.trials  # no argument of this oracle's, but every oracle stops there
        return oracle
    if tune.strategy == "grid":
        return ResumableGrid(max_trials=tune.trials, **common)
    kind = {"random": oracles.RandomSearchOracle, "bayesian": oracles.BayesianOptimizationOracle}[tune.strategy]
    return _from_defaults(kind)(max_trials=tune.trials, **common)


class ResumableGrid(oracles.GridSearchOracle):
    """KerasTuner's grid, which keeps its place only in memory: taken up again, it would end or raise a KeyError."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Find the place again from the trials: each one's successor in the grid was started after it."""
        super().set_state(state)
        for trial_id in self.start_order:
            self._ordered_ids.insert(trial_id)
        self._populate_next = list(self.end_order)


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
