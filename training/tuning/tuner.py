"""KerasTuner search over a `HubStream`: resumes interrupted trials, records failures, and writes trials.json."""

import gc
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.backend import keras
import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from model.artifacts import TRIALS_FILE
from model.errors import CorruptFileError, StreamError, TrazoError
from model.io.reports import write_report
from model.io.reports.schema import utc_timestamp
from model.io.reports.trials import TrialsReport
from model.network import build_network
from model.words import counted
from training.config import TrainConfig, TuneConfig
from training.data.provenance import data_section
from training.loop.trainer import Progress
from training.tracking.run import RunLabel
from training.tracking.tracking import Tracking
from training.tuning import distributed
from training.tuning.importance import hyperparameter_importance
from training.tuning.kerastuner_compat import HINT_RESTART, OpenTuner, configure
from training.tuning.oracles import ResumableOracle, make_oracle
from training.tuning.plan import NoTimeError
from training.tuning.search_identity import check_identity
from training.tuning.search_job import SearchJob
from training.tuning.search_time import SearchTimer
from training.tuning.trial_process import close_trial_process, fit_in_subprocess
from training.tuning.trial_record import TrialRecord
from training.tuning.trials_report import build_report, failure_reason, format_values, make_trial

HINT_RESUME = "fix this and run the same command again to resume"

logger = logging.getLogger("trazo")


class SearchInterruptedError(keras_tuner.errors.FatalError, StreamError):
    """Something outside the trial failed. KerasTuner lets only `FatalError` pass and does not mark the trial."""


class BudgetExhaustedError(keras_tuner.errors.FatalError):
    """The time budget is spent."""


class TrialStoppedError(Exception):
    """A trial is not worth continuing: others were better after as many epochs."""

    def __init__(self, epochs: int) -> None:
        """Keep how many epochs of the trial count: more may have been trained if an interruption came in between."""
        super().__init__(epochs)
        self.epochs = epochs


@dataclass(frozen=True)
class SearchOutcome:
    """How a call of `run_search` ended."""

    report: TrialsReport | None  # None in a worker, because the chief has it
    stop_reason: str | None = None  # in one line, if fewer trials have ended than asked for


class StreamTuner(OpenTuner):
    """A KerasTuner tuner that trains each trial with checkpoints, in a separate process."""

    def __init__(self, oracle: ResumableOracle, job: SearchJob) -> None:
        """Connect a strategy with a job; loads the trials of an earlier call from the job's folder.

        Raises:
            TrazoError: if KerasTuner's files are damaged.
        """
        configure(request_timeout_s=distributed.MAX_PEER_SILENCE_S)
        self._job = job
        self._timer = SearchTimer(job.folder)
        self._is_idle = False
        self._local_oracle = oracle  # in a worker, `self.oracle` becomes a client of the chief's
        self._data = data_section(job.train, job.validation)
        super().__init__(oracle, hypermodel=job.space.point, directory=str(job.folder), project_name="tuner")
        if not self.is_worker:
            oracle.on_change = self.report

    def reload(self) -> None:
        """Load the trials of an earlier call; one that had not ended runs next.

        Raises:
            TrazoError: if KerasTuner's files are missing, damaged or inconsistent.
        """
        try:
            super().reload()
            # A kill may fall between writing the file of a trial and that of the oracle. A trial that the oracle does
            # not know yet is drawn again, with the same values. One that it knows as ended does not run again.
            oracle = self.oracle
            oracle.trials = {name: oracle.trials[name] for name in oracle.start_order}
            oracle.retry_queue[:] = [name for name in oracle.retry_queue if name not in oracle.end_order]
            if distributed.detect_role() == "chief":
                oracle.return_trials_to_workers()
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            raise TrazoError(f"the files in {self.project_dir} do not fit together; {HINT_RESTART}") from None

    def on_search_begin(self) -> None:
        """Save before the first trial: KerasTuner loads nothing if it has never saved."""
        self.save()

    def pre_create_trial(self) -> None:
        """Wait a moment before asking again for a trial if there was none."""
        if self._is_idle:
            time.sleep(1)
        self._is_idle = True

    def on_trial_begin(self, trial: Trial) -> None:
        """Note that there was a trial."""
        self._is_idle = False

    def run_and_save_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> None:
        """Run a trial and save its score. If something outside it fails, the search ends; the next call resumes.

        Raises:
            SearchInterruptedError: if the network or the disk failed, or a file is damaged.
        """
        timeout_s = self._job.tune.worker_timeout
        heartbeats = (
            distributed.send_heartbeats(self.oracle, trial.trial_id, timeout_s) if self.is_worker else nullcontext()
        )
        try:
            with heartbeats, distributed.translate_rpc_errors():
                super().run_and_save_trial(trial, *args, **kwargs)
        except (StreamError, CorruptFileError) as error:
            raise SearchInterruptedError(str(error)) from error
        except OSError as error:
            raise SearchInterruptedError(f"{error}; {HINT_RESUME}") from error

    def run_trial(self, trial: Trial) -> None:
        """Train one point of the space, from its checkpoint if it was interrupted, and report every epoch."""
        job = self._job
        record = TrialRecord(self._folder(trial), trial.trial_id)
        record.start()
        config = job.space.config(trial.hyperparameters)
        settings = self._trial_settings(trial)
        parameters = build_network(config).count_params()
        record.values["parameters"] = parameters
        if job.tune.max_params is not None and parameters > job.tune.max_params:
            record.update()
            raise TrazoError(f"{parameters:,} parameters; at most {job.tune.max_params:,} were asked for")
        label = RunLabel(job.folder, f"trial_{trial.trial_id}", trial.hyperparameters.values)
        tracking = Tracking(job.track, label)
        on_epoch = self._epoch_callback(trial, record, tracking)
        try:
            # An interruption may have come between an epoch and the decision about it.
            self._report_epochs(trial, record.values.get("history", []), 0)
            progress = fit_in_subprocess(
                config,
                settings,
                job.train.rebatch(settings.batch_size, settings.seed),
                job.validation,
                checkpoint=self._checkpoint(trial),
                on_epoch=on_epoch,
            )
            on_epoch(progress)  # a training that was already finished in its checkpoint has not called it
        except TrialStoppedError as stopped:
            record.values["history"] = record.values["history"][: stopped.epochs]
        finally:  # if this line is reached, the system did not end the process for lack of memory
            record.update()
            tracking.close()
        name = self.oracle.objective.name
        if not any(np.isfinite(row[name]) for row in record.values["history"]):
            raise TrazoError(f"{name} is not a finite number in any epoch")

    def _report_epochs(self, trial: Trial, history: Sequence[Mapping[str, Any]], reported: int) -> None:
        """Report the objective after each epoch that was not reported yet.

        Raises:
            TrialStoppedError: if the trial is not worth continuing after one of them.
        """
        name = self.oracle.objective.name
        for row in history[reported:]:
            if np.isfinite(row[name]):
                answer = self.oracle.update_trial(trial.trial_id, {name: float(row[name])}, step=row["epoch"])
                if answer.status == TrialStatus.STOPPED:
                    raise TrialStoppedError(row["epoch"])

    def _trial_settings(self, trial: Trial) -> TrainConfig:
        tune = self._job.tune
        _, training = self._job.space.point(trial.hyperparameters)
        epochs = trial.hyperparameters.values.get("tuner/epochs", tune.trial_epochs)  # set by Hyperband
        length = {"epochs": epochs, "steps_per_epoch": tune.trial_steps, "patience": tune.trial_patience or epochs}
        return TrainConfig(**vars(self._job.settings) | training | length)

    def _epoch_callback(self, trial: Trial, record: TrialRecord, tracking: Tracking) -> Callable[[Progress], None]:
        reported = len(record.values.get("history", []))

        def on_epoch(progress: Progress) -> None:
            nonlocal reported
            record.update(history=progress.history, seconds=round(progress.seconds, 1))
            tracking.write(progress.history)
            before, reported = reported, len(progress.history)
            self._report_epochs(trial, progress.history, before)
            if self._local_oracle.deadline_passed() and not progress.finished:
                raise BudgetExhaustedError

        return on_epoch

    def on_trial_end(self, trial: Trial) -> None:
        """Note the end, let the oracle update trials.json, and free memory."""
        TrialRecord(self._folder(trial), trial.trial_id).update(ended=utc_timestamp(), reason=failure_reason(trial))
        super().on_trial_end(trial)
        # Only the record of an ended trial is used. Before the oracle knows of its end, the next call may need this.
        self._checkpoint(trial).unlink(missing_ok=True)
        ended = make_trial(self.oracle.get_trial(trial.trial_id), self._record(trial), self._job.settings.seed)
        outcome = ended.reason or f"{self.oracle.objective.name} {ended.score:.4f} in {ended.seconds} s"
        if why := self._local_oracle.stop_reasons.get(trial.trial_id):
            outcome += f", {why}"
        logger.info("trial %s  %s  %s", trial.trial_id, outcome, format_values(ended.hyperparameters))
        keras.backend.clear_session()
        gc.collect()

    def report(self, final: bool = False) -> TrialsReport:
        """Write trials.json and return it; with the importance of hyperparameters if the search is over."""
        oracle = self._local_oracle
        records = {trial.trial_id: self._record(trial) for trial in oracle.trials.values()}
        report = build_report(self._job, oracle, self._data, records, self._timer.save())
        if final:
            report.importance = hyperparameter_importance(report)
        write_report(self._job.folder / TRIALS_FILE, report)
        return report

    def _record(self, trial: Trial) -> dict[str, Any]:
        return TrialRecord(self._folder(trial), trial.trial_id).values

    def _checkpoint(self, trial: Trial) -> Path:
        return self._folder(trial) / "checkpoint.safetensors"

    def _folder(self, trial: Trial) -> Path:
        return self._job.folder / "tuner" / f"trial_{trial.trial_id}"


def run_search(job: SearchJob, watch: Callable[[], bool] = lambda: False) -> SearchOutcome:
    """Search until `tune.trials` trials have ended or the time is up; resumes what an earlier call left.

    With KerasTuner's environment variables set, this process is the chief of several workers, or one of them.

    Args:
        job: what is searched.
        watch: called by a chief from time to time; returns whether all of its workers have ended.

    Raises:
        NoTimeError: if the time was up before a trial completed.
        TrazoError: if no trial completed, with the reason of the last one; if the folder holds another search, with
            what differs, or a damaged one.
        StreamError: if the network or the disk failed; the next call resumes the interrupted trial.
    """
    role = distributed.detect_role()
    try:
        check_identity(job)
        known = job.starting_points
        oracle = make_oracle(job.tune, job.space.base["task"], job.is_small_enough, job.plan, [*known.values()])
        tuner = StreamTuner(oracle, job)
        try:
            with distributed.translate_rpc_errors():
                if role == "chief":
                    distributed.run_chief(tuner.search, oracle, watch)
                else:
                    tuner.search()
        except BudgetExhaustedError:
            pass
        finally:
            close_trial_process()
        if role == "worker":
            return SearchOutcome(report=None)
        report = tuner.report(final=True)
    except OSError as error:  # between two trials
        raise StreamError(f"{error}; {HINT_RESUME}") from None
    if report.best_trial is None:
        had_time = any(trial.reason for trial in report.trials) or not oracle.deadline_passed()
        kind = TrazoError if had_time else NoTimeError
        raise kind(f"no trial completed; {_failure(report, oracle, job.tune)}")
    return SearchOutcome(report, _stop_reason(report, oracle, job))


def _failure(report: TrialsReport, oracle: ResumableOracle, tune: TuneConfig) -> str:
    """Return why no trial completed."""
    if reasons := [trial.reason for trial in report.trials if trial.reason]:
        return f"the last one's reason: {reasons[-1]}"
    if oracle.exhausted_reason:
        return oracle.exhausted_reason
    return f"none ended within {tune.minutes:.2g} minutes" if oracle.deadline_passed() else "none was started"


def _stop_reason(report: TrialsReport, oracle: ResumableOracle, job: SearchJob) -> str | None:
    """Return why fewer trials have ended than asked for; None if all have."""
    tune, ended = job.tune, sum(trial.status != "RUNNING" for trial in report.trials)
    if ended >= tune.max_trials:
        return None
    if oracle.has_stalled():
        return f"the search has ended: none of the last {counted(oracle.patience or 0, 'trial')} was the best one"
    if oracle.deadline_passed():
        resumes = "the time is up; run the same command again to resume"
        why = "the time of the search is up" if job.is_of_run else resumes
    else:
        why = oracle.exhausted_reason or f"this {tune.strategy} search has no further point"
    return f"{ended} of the {tune.max_trials} trials asked for have ended: {why}"
