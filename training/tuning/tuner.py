"""KerasTuner's search over the stream: interrupted trials go on, failed ones are told, trials.json says it all."""

import gc
import json
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import keras
import keras_tuner
import keras_tuner.src.config
import keras_tuner.src.utils

from model.artifacts import TRIALS_FILE
from model.errors import CorruptFileError, StreamError, TrazoError
from model.io.atomic import atomic_write, read_json, write_json
from model.network import build_network
from training.config import OF_A_TRIAL, TrainConfig, TuneConfig
from training.data.provenance import data_section
from training.data.stream import HubStream
from training.loop.checkpoint import differences
from training.loop.summary_writer import SummaryWriter
from training.loop.trainer import Progress
from training.tuning import distributed as cluster
from training.tuning import trial_process
from training.tuning import trials_report as trials
from training.tuning.importance import importance
from training.tuning.oracles import RANDOM_FIRST, make_oracle
from training.tuning.search_space import SearchSpace
from training.tuning.trial_process import fit, memory_note

BUDGET = ("trials", "minutes", "max_params", *OF_A_TRIAL.values())
MAX_OOM_KILLS = 2  # of the process in one trial, after which the trial is given up
HINT_RESTART = "use another --output, or delete the folder tuner/ in it to search anew"
HINT_RESUME = "the same command goes on once that is mended"


class SearchInterruptedError(keras_tuner.errors.FatalError, StreamError):
    """What failed was not the trial: the one kind of error that KerasTuner lets pass, so that no trial is marked."""


class BudgetExhaustedError(keras_tuner.errors.FatalError):
    """The budget of minutes is spent."""


def _save_json(path: str, value: Any) -> str:
    """Do what KerasTuner's `save_json` does, but write the file whole."""
    text = json.dumps(value)
    atomic_write(path, text)
    return text


def _load_json(path: str | Path) -> Any:
    """Do what KerasTuner's `load_json` does, with an error for people.

    Raises:
        TrazoError: when the file is missing or damaged.
    """
    try:
        value = read_json(path)
    except CorruptFileError:
        value = None
    if value is None:
        raise TrazoError(f"{path} of an earlier search is missing or damaged; {HINT_RESTART}")
    return value


keras_tuner.src.config.DEBUG = False  # a failed trial is told in one line and in trials.json, not by a trace
# The oracle, the tuner and each trial are kept through these two. KerasTuner's own write in place: `kill -9` or a full
# disk in the middle would leave half a file, and no later start could read it.
keras_tuner.src.utils.save_json, keras_tuner.src.utils.load_json = _save_json, _load_json


@dataclass(frozen=True)
class Search:
    """What is searched, on which rows, and where its files go."""

    space: SearchSpace
    settings: TrainConfig  # of every trial; a trial's hyperparameters replace some fields
    tune: TuneConfig
    train: HubStream  # rows to learn from
    validation: HubStream  # rows that score a trial
    folder: Path  # of the run: trials.json, and the tuner's own files in `tuner/`
    tensorboard: bool = False  # whether each trial leaves TensorBoard's files in `tensorboard/`

    def small_enough(self, hp: keras_tuner.HyperParameters) -> bool:
        """Tell whether the network of a point is within the budget of parameters."""
        most = self.tune.max_params
        if most is None:
            return True
        try:
            config = self.space.config(hp)
        except TrazoError:
            return True  # no network: its trial fails, with the reason
        # What the quick count leaves out is small: only what passes it is built.
        return config.kernel_parameters <= most and build_network(config).count_params() <= most


class StreamTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """A KerasTuner tuner whose trials run through `trainer.fit`, checkpoints and all, in a process of their own."""

    def __init__(self, oracle: keras_tuner.Oracle, search: Search) -> None:
        """Join a strategy of KerasTuner with a search; an earlier call's trials in the folder are taken up."""
        self._search, self._idle = search, False
        self._all = oracle  # in a worker, `self.oracle` becomes a way to the chief's
        self._data = data_section(search.train, search.validation)
        super().__init__(oracle, hypermodel=search.space.point, directory=str(search.folder), project_name="tuner")
        if not self._is_worker():
            oracle.after_change = self.report

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
            if cluster.role() == "chief":
                oracle.leave_with_workers()
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            raise TrazoError(f"the files in {self.project_dir} do not fit together; {HINT_RESTART}") from None

    def on_search_begin(self) -> None:
        """Save before the first trial: KerasTuner takes up nothing before the first save."""
        self.save()

    def pre_create_trial(self) -> None:
        """Wait a moment before asking again, where the last answer was that there is nothing to do yet."""
        if self._idle:
            time.sleep(1)
        self._idle = True

    def on_trial_begin(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Note that there is something to do."""
        self._idle = False

    def _run_and_update_trial(self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any) -> None:
        """Run a trial and write its score; what fails outside it ends the search, and the next call goes on with it.

        Raises:
            SearchInterruptedError: for the network, the disk or a damaged file.
        """
        timeout = self._search.tune.worker_timeout
        try:
            with (
                cluster.heartbeat(self.oracle, trial.trial_id, timeout) if self._is_worker() else nullcontext(),
                cluster.translate_rpc_errors(),
            ):
                super()._run_and_update_trial(trial, *args, **kwargs)
        except (StreamError, CorruptFileError) as error:
            raise SearchInterruptedError(str(error)) from error
        except OSError as error:
            raise SearchInterruptedError(f"{error}; {HINT_RESUME}") from error

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Train one point of the space and return its score; from its checkpoint where it was interrupted."""
        search, tune = self._search, self._search.tune
        record = self._record(trial)
        config = search.space.config(trial.hyperparameters)
        _, training = search.space.point(trial.hyperparameters)
        epochs = trial.hyperparameters.values.get("tuner/epochs", tune.trial_epochs)  # hyperband sets it
        length = {"epochs": epochs, "steps_per_epoch": tune.trial_steps, "patience": tune.trial_patience or epochs}
        settings = TrainConfig(**vars(search.settings) | training | length)
        record["parameters"] = build_network(config).count_params()
        if tune.max_params is not None and record["parameters"] > tune.max_params:
            self._write(record)
            raise TrazoError(f"{record['parameters']:,} parameters; at most {tune.max_params:,} were asked for")
        board = SummaryWriter(search.folder / "tensorboard" / trial.trial_id) if search.tensorboard else None

        def on_epoch(progress: Progress) -> None:
            record.update(history=progress.history, seconds=round(progress.seconds, 1))
            self._write(record)
            if not self._is_worker():
                self.report()
            if board and progress.history:
                board.write(progress.history[-1], trial.hyperparameters.values)
            if self._all.deadline_passed() and not progress.finished:
                raise BudgetExhaustedError

        train = search.train.rebatch(settings.batch_size)
        checkpoint = self._checkpoint(trial)
        try:
            progress = fit(config, settings, train, search.validation, checkpoint=checkpoint, on_epoch=on_epoch)
        finally:  # a process that comes here was not ended for want of memory
            self._write({name: value for name, value in record.items() if name != "memory"})
        on_epoch(progress)  # once more: a start that finds the training finished in its checkpoint has had no epoch
        objective = self.oracle.objective
        best = {"max": max, "min": min}[objective.direction]
        return {objective.name: best(row[objective.name] for row in progress.history)}

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Tell the oracle, which writes trials.json, and give memory back."""
        record = read_json(self._folder(trial) / "record.json") or {"trial_id": trial.trial_id}
        self._write(record | {"ended": trials.now(), "reason": trials.reason_of(trial)})
        super().on_trial_end(trial)
        # A trial that has ended is its record: the weights are not used. Before this line they may be, by a next call.
        self._checkpoint(trial).unlink(missing_ok=True)
        row = self._row(self.oracle.get_trial(trial.trial_id))
        outcome = row["reason"] or f"{self.oracle.objective.name} {row['score']:.4f} in {row['seconds']} s"
        print(f"trial {trial.trial_id}  {outcome}  {trials.named(row['hyperparameters'])}", flush=True)
        keras.backend.clear_session()
        gc.collect()

    def report(self, final: bool = False) -> dict[str, Any]:
        """Write trials.json whole and return it; with the importance of hyperparameters when the search is over."""
        search, objective = self._search, self._all.objective
        # By number: KerasTuner pads with as many zeros as the number of trials asked for needs, and that may rise.
        rows = [self._row(trial) for trial in sorted(self._all.trials.values(), key=lambda t: int(t.trial_id))]
        value = {
            "schema_version": trials.SCHEMA_VERSION,
            "objective": {"name": objective.name, "direction": objective.direction},
            "strategy": search.tune.strategy,
            "dataset": search.train.source.dataset,
            "revision": search.train.source.revision,
            "data": self._data,
            "seed": search.tune.seed,
            "budget": {name: getattr(search.tune, name) for name in BUDGET},
            "network": {k: list(v) if isinstance(v, tuple) else v for k, v in search.space.base.items()},
            "overrides": search.space.overrides,
            "searched": list(search.space.searched),
            "space": trials.space_of(self._all.get_space()),
            "trials": rows,
            "best_trial": trials.best_of(rows, objective.direction),
        }
        value["importance"] = importance(value) if final else None
        write_json(search.folder / TRIALS_FILE, value)
        return value

    def _row(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, Any]:
        record = read_json(self._folder(trial) / "record.json") or {}
        return trials.row_of(trial, record, self._search.settings.seed)

    def _record(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, Any]:
        """Note that a trial begins, or begins again.

        Raises:
            TrazoError: when the system has ended the process in this trial for want of memory, and again.
        """
        self._folder(trial).mkdir(parents=True, exist_ok=True)
        record = read_json(self._folder(trial) / "record.json") or {
            "trial_id": trial.trial_id,
            "started": trials.now(),
        }
        # Of an earlier start that left its note: it was killed. The count is of one machine since it was switched on.
        now, note = memory_note(), record.pop("memory", None)
        deaths = record.get("memory_deaths", 0)
        if note and note["boot"] == now["boot"] and note["kills"] < now["kills"]:
            deaths += 1
        record["memory_deaths"] = deaths
        self._write(record | {"memory": now})
        if deaths >= MAX_OOM_KILLS:
            raise TrazoError(f"the system ran out of memory {deaths} times while this trial ran")
        return record

    def _write(self, record: dict[str, Any]) -> None:
        write_json(self._search.folder / "tuner" / f"trial_{record['trial_id']}" / "record.json", record)

    def _checkpoint(self, trial: keras_tuner.engine.trial.Trial) -> Path:
        return self._folder(trial) / "checkpoint.safetensors"

    def _folder(self, trial: keras_tuner.engine.trial.Trial) -> Path:
        return self._search.folder / "tuner" / f"trial_{trial.trial_id}"


def run_search(search: Search) -> dict[str, Any] | None:
    """Search until `tune.trials` trials have ended or the time is up, going on where an earlier call was stopped.

    With KerasTuner's environment variables set this process is the chief of several workers, or one of them.

    Returns:
        the value of trials.json; None in a worker, where the chief has it.

    Raises:
        TrazoError: when no trial completed, with the reason of the last; when the folder holds another search, with
            what differs, or a damaged one.
        StreamError: when the network or the disk failed; the next call goes on with the trial that was interrupted.
    """
    role = cluster.role()
    try:
        _check_identity(search)
        oracle = make_oracle(search.tune, search.space.base["task"], search.small_enough)
        tuner = StreamTuner(oracle, search)
        try:
            with cluster.translate_rpc_errors():
                cluster.serve(tuner.search, oracle) if role == "chief" else tuner.search()
        except BudgetExhaustedError:
            pass
        finally:
            trial_process.end()
        if role == "worker":
            return None
        report = tuner.report(final=True)
    except OSError as error:  # between two trials
        raise StreamError(f"{error}; {HINT_RESUME}") from None
    if report["best_trial"] is None:
        reasons = [trial["reason"] for trial in report["trials"] if trial["reason"]]
        late = f"none ended within {search.tune.minutes:g} minutes" if oracle.deadline_passed() else "none was started"
        why = f"the last one's reason: {reasons[-1]}" if reasons else oracle.failure or late
        raise TrazoError(f"no trial completed; {why}")
    ended = sum(trial["status"] != "RUNNING" for trial in report["trials"])
    if ended < search.tune.trials:
        late = "the time is up; the same command goes on"
        why = (
            late
            if oracle.deadline_passed()
            else oracle.failure or f"this {search.tune.strategy} search has no further point"
        )
        print(f"{ended} of the {search.tune.trials} trials asked for have ended: {why}", flush=True)
    return report


def _check_identity(search: Search) -> None:
    """Write beside KerasTuner's files what the search is about; refuse the files of another one.

    Raises:
        TrazoError: with what differs.
    """
    path = search.folder / "tuner" / "search.json"
    identity = json.loads(json.dumps(_identity(search)))
    if not path.exists() and not (path.parent / "oracle.json").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, identity)
    elif different := differences(_load_json(path), identity):
        shown = ", ".join(shorten(one, 100, placeholder=" …") for one in different)
        raise TrazoError(f"{path.parent} belongs to another search ({shown}); {HINT_RESTART}")


def _identity(search: Search) -> dict[str, Any]:
    """Return all that a trial's score depends on beside its hyperparameters; not how many there are, which may rise."""
    train, validation = search.train, search.validation
    return {
        "data": {"train": train.key, "validation": validation.key, "window_rows": train.window_rows},
        "network": search.space.base,
        "training": {k: v for k, v in asdict(search.settings).items() if k not in OF_A_TRIAL},
        "overrides": sorted(search.space.overrides),
        "search": {k: v for k, v in asdict(search.tune).items() if k not in ("trials", "minutes", "worker_timeout")}
        | {"search": sorted({*search.tune.search})}  # in whatever order they were named
        | ({"random_first": RANDOM_FIRST} if search.tune.strategy == "bayesian" else {}),
    }
