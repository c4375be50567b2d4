"""How long trials are and how a given time is divided, decided before a search and kept in its folder.

Kept, so that a search that is run again continues with the same lengths, although the speed, measured again, would give
others. With other minutes, or for another command, the time is divided again; trials keep their length.
"""

import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner

from model.artifacts import CHECKPOINT_FILE
from model.config import CnnConfig
from model.errors import StreamError, TrazoError
from model.io.atomic import write_json
from model.words import counted
from training.config import MIN_HYPERBAND_EPOCHS, TrainConfig, TuneConfig
from training.data.splits import TrainingData
from training.tuning.choice import MIN_TRAINING_SHARE, TrainingTime
from training.tuning.distributed import MAX_PEER_SILENCE_S, detect_role
from training.tuning.halving import comparison_epochs
from training.tuning.kerastuner_compat import load_json
from training.tuning.search_identity import IDENTITY_FILE
from training.tuning.search_space import Space
from training.tuning.search_time import passed_seconds
from training.tuning.speed import MAX_EPOCHS, Speed, longest_training, measure_speed
from training.tuning.trial_length import MIN_TRIAL_STEPS, TrialLength, choose_trial_length

if TYPE_CHECKING:
    from training.tuning.search_job import SearchJob

DEFAULT_TRIAL_EPOCHS = 3  # if only the steps of a trial's epoch are given
# A search gets a fifth of a run's minutes. If a full trial then had fewer steps than `MIN_USEFUL_STEPS`, all the time
# is better spent on the training.
SEARCH_SHARE = 0.2
MIN_USEFUL_STEPS = 200
STOPPED_TRIAL_COST = 0.4  # of a full trial, on average over those after the known points
RESERVED_S = 15.0  # of a run's minutes, for calibration, evaluation and reports

logger = logging.getLogger("trazo")


class NoTimeError(TrazoError):
    """There is too little time for a search."""


# --- The plan of a run ---


@dataclass(frozen=True)
class Plan:
    """What a search does with its time."""

    trial: TrialLength | None  # None: there is too little time for a search
    speed: Speed | None = None  # of the first point; None if it was not measured, because any time may be taken
    search_s: float | None = None  # seconds for the search; None for any time
    training_s: float | None = None  # seconds for the training that follows; None for any time, or no training
    training: dict[str, Any] | None = None  # length of the training in a run's minutes, as fields of TrainConfig
    before_s: float = 0.0  # seconds that the search had taken before it was made
    request: dict[str, Any] | None = None  # what it was made for: the command and its minutes


class RunClock:
    """The minutes of a run, which its search and its training share. Time while it was stopped does not count."""

    def __init__(self, minutes: float | None, folder: Path, epochs_given: bool = False) -> None:
        """Start; what the search took in earlier calls of the same run with the same minutes is spent already.

        Args:
            minutes: for everything; None for any time.
            folder: of the run.
            epochs_given: whether the user chose how long the training is; the search gets what that leaves.
        """
        self.minutes, self.epochs_given = minutes, epochs_given
        plan, self._started = _saved_plan(folder), time.monotonic()
        is_known = plan is not None and plan.request == self.request
        self._before_s = passed_seconds(folder) - plan.before_s if plan and is_known else 0.0

    @property
    def request(self) -> dict[str, Any]:
        """What a plan is made for."""
        return {"command": "run", "minutes": self.minutes, "epochs_given": self.epochs_given}

    def seconds_left(self) -> float:
        """Return the seconds that are left for the search and the training."""
        assert self.minutes is not None
        return 60 * self.minutes - RESERVED_S - self._before_s - (time.monotonic() - self._started)

    def search_minutes_left(self, plan: Plan) -> float:
        """Return the minutes that are left for the search; a very small number if there are none."""
        assert plan.search_s is not None
        return max(1e-9, (plan.search_s - self._before_s) / 60)


def plan_search(
    tune: TuneConfig, opened: TrainingData, space: Space, training: TrainConfig, folder: Path, clock: RunClock | None
) -> Plan:
    """Return the plan of an earlier call for the same; else decide the length of a trial and the time of a search.

    It is kept for the next call. Only a lack of time for a search is decided again.

    Args:
        tune: what the user chose.
        opened: the rows.
        space: its first point gives the speed that is measured if the time is limited.
        training: the training that follows; its length, if the minutes do not decide it.
        folder: of the run.
        clock: of a run that trains within the same minutes; None if there is only a search.

    Raises:
        NoTimeError: if there is too little time for a search.
        StreamError: in a worker whose chief does not plan.
        TrazoError: if the plan of an earlier call is damaged.
    """
    request = clock.request if clock else {"command": "tune", "minutes": tune.minutes}
    if tune.minutes is not None and detect_role() == "worker":
        plan = _wait_for_plan(folder, request)  # a worker that measured itself would plan other lengths than the chief
    else:
        saved = _saved_plan(folder)
        if saved and saved.trial and saved.request == request:
            return saved
        kept = saved.trial if saved and (folder / "tuner" / IDENTITY_FILE).exists() else None
        plan = _make_plan(tune, opened, space, training, clock, kept)
        plan = replace(plan, before_s=passed_seconds(folder), request=request)
        save_plan(folder, plan)
    if plan.trial is None and clock and clock.epochs_given:
        raise NoTimeError(
            f"{counted(training.epochs, 'epoch')} of training leave too little of {tune.minutes:g} minutes for a search"
        )
    if plan.trial is None:
        raise NoTimeError(f"{tune.minutes:g} minutes are too short for a search that would find anything")
    return plan


def _wait_for_plan(folder: Path, request: dict[str, Any]) -> Plan:
    deadline = time.monotonic() + MAX_PEER_SILENCE_S
    while not (plan := _saved_plan(folder)) or plan.request != request:
        if time.monotonic() > deadline:
            raise StreamError(
                f"the chief has not written {_path(folder)}; start it with these --minutes, then this worker"
            )
        time.sleep(1)
    return plan


def _make_plan(
    tune: TuneConfig,
    opened: TrainingData,
    space: Space,
    training: TrainConfig,
    clock: RunClock | None,
    kept: TrialLength | None,
) -> Plan:
    """Return a new plan; `kept` is the length of the trials that there are already."""
    batches, validation_batches = len(opened.train), len(opened.validation)
    per_epoch = min(batches, training.steps_per_epoch or batches)
    given = _given_length(tune) or kept
    if tune.minutes is None or (given and not clock):
        return Plan(given or choose_trial_length(batches, validation_batches, training.epochs * per_epoch))
    speed = _measure_first_point(space, opened, training)
    training_steps = training.epochs * per_epoch
    if clock is None:
        search_s = 60 * tune.minutes
    elif clock.epochs_given:
        search_s = clock.seconds_left() - speed.seconds(training.epochs, per_epoch)
    else:
        seconds = clock.seconds_left()
        # What the longest useful training leaves over is for the search, too.
        search_s = max(SEARCH_SHARE * seconds, seconds - speed.seconds(MAX_EPOCHS, batches))
        training_steps = int((seconds - search_s) / speed.step_s)
    search_s = max(0.0, search_s)
    length = given or choose_trial_length(batches, validation_batches, training_steps, search_s / speed.step_s)
    if clock and not given and length.epochs * length.per_epoch(batches) < MIN_USEFUL_STEPS:
        return Plan(None, speed)
    return Plan(length, speed, search_s, clock.seconds_left() - search_s if clock else None)


def plan_training(
    folder: Path, clock: RunClock, config: CnnConfig, settings: TrainConfig, opened: TrainingData
) -> dict[str, Any]:
    """Return the length of the training in what is left of a run's minutes, as fields of TrainConfig; keep it.

    Args:
        folder: of the run.
        clock: of the run.
        config: the network.
        settings: how it is trained.
        opened: the rows.
    """
    plan = _saved_plan(folder) or Plan(None, request=clock.request)
    if plan.request != clock.request and not (folder / CHECKPOINT_FILE).exists():  # a training keeps its length
        plan = Plan(plan.trial, search_s=0.0, request=clock.request)
    if plan.training is None:
        # Without a search it is the first point that was measured before.
        measured = None if plan.trial else plan.speed
        speed = measured or measure_speed(config, settings, opened.train, opened.validation)
        seconds = max(clock.seconds_left(), MIN_TRAINING_SHARE * 60 * (clock.minutes or 0))
        plan = replace(plan, training=longest_training(seconds, speed, len(opened.train)))
        save_plan(folder, plan)
        logger.info(describe_training(plan, seconds))
    assert plan.training is not None
    return plan.training


def training_time(plan: Plan, clock: RunClock | None, batches: int, trial: TuneConfig) -> TrainingTime | None:
    """Return the time of the training that a search is for; None if its minutes do not limit that.

    Args:
        plan: of the search.
        clock: of the run; None if there is only a search.
        batches: of all training rows.
        trial: has the length of a trial.
    """
    if clock is None or clock.epochs_given or plan.search_s is None or plan.training_s is None:
        return None
    per_epoch = min(batches, trial.trial_steps or batches)
    return TrainingTime(plan.before_s + plan.search_s + plan.training_s, MAX_EPOCHS * batches / per_epoch)


def _given_length(tune: TuneConfig) -> TrialLength | None:
    if tune.trial_epochs is None and tune.trial_steps is None:
        return None
    return TrialLength(tune.trial_epochs or DEFAULT_TRIAL_EPOCHS, tune.trial_steps)


def _measure_first_point(space: Space, opened: TrainingData, training: TrainConfig) -> Speed:
    hp = keras_tuner.HyperParameters()
    settings = TrainConfig(**vars(training) | space.point(hp)[1])
    train = opened.train.rebatch(settings.batch_size, settings.seed)
    return measure_speed(space.config(hp), settings, train, opened.validation)


def with_length(tune: TuneConfig, plan: Plan) -> TuneConfig:
    """Return the options of a search with the length of a trial, the user's or else the planned one."""
    length = _given_length(tune) or plan.trial
    assert length is not None
    epochs = max(length.epochs, MIN_HYPERBAND_EPOCHS if tune.strategy == "hyperband" else 1)
    return replace(tune, trial_epochs=epochs, trial_steps=length.steps)


# --- Its file ---


def _path(folder: Path) -> Path:
    return folder / "tuner" / "plan.json"


def _saved_plan(folder: Path) -> Plan | None:
    """Return the plan of a run; None if there is none.

    Raises:
        TrazoError: if it is damaged.
    """
    if not _path(folder).exists():
        return None
    saved = load_json(_path(folder))
    try:
        trial, speed = saved["trial"], saved["speed"]
        seconds = saved["search_s"], saved["training_s"]
        # A plan of an older version does not say what it was made for, and is made again.
        made_for = saved.get("before_s", 0.0), saved.get("request")
        plan = Plan(trial and TrialLength(**trial), speed and Speed(**speed), *seconds, saved["training"], *made_for)
    except (KeyError, TypeError):
        raise TrazoError(f"{_path(folder)} is damaged; delete the folder it is in to start a new search") from None
    return plan


def save_plan(folder: Path, plan: Plan) -> None:
    """Write the plan of a run."""
    _path(folder).parent.mkdir(parents=True, exist_ok=True)
    write_json(_path(folder), asdict(plan))


# --- Its words ---


def describe_search(plan: Plan, job: "SearchJob") -> list[str]:
    """Return what a search is going to do, in lines."""
    tune, known = job.tune, [*job.starting_points]
    assert tune.trial_epochs is not None
    steps = TrialLength(tune.trial_epochs, tune.trial_steps).per_epoch(len(job.train))
    length = f"{counted(tune.trial_epochs, 'epoch')} of {counted(steps, 'step')}"
    lines = [f"search: {_expected_trials(plan, tune, len(known), steps)} of {length}"]
    if known:
        lines.append(f"its first trials: {', '.join(known)}")
    if tune.trial_epochs * steps < MIN_TRIAL_STEPS:
        lines.append("trials this short favor networks that learn fast over those that end well")
    if tune.strategy != "hyperband" and not tune.full_trials and (ages := comparison_epochs(tune.trial_epochs)):
        after = " and ".join(map(str, ages))
        which = "any other trial" if known else "a trial"
        lines.append(f"{which} stops after epoch {after} unless it is in the best third of all trials at that age")
    if patience := tune.max_trials_without_gain:
        lines.append(f"it ends when {counted(patience, 'trial')} in a row are not better than the best one")
    if plan.training_s is not None and plan.speed is not None:
        fitting = longest_training(plan.training_s, plan.speed, len(job.train))
        part = " of a part of the rows" if fitting["steps_per_epoch"] else ""
        epochs = counted(fitting["epochs"] or 0, "epoch")
        lines.append(f"then a training of about {epochs}{part}, in about {_minutes(plan.training_s)}")
    return lines


def _expected_trials(plan: Plan, tune: TuneConfig, known: int, steps: int) -> str:
    if plan.search_s is None or plan.speed is None or tune.trial_epochs is None:
        return f"at most {counted(tune.max_trials, 'trial')}"
    affordable = plan.search_s / plan.speed.seconds(tune.trial_epochs, steps)
    full = min(known, affordable)
    others = (affordable - full) / (1 if tune.full_trials else STOPPED_TRIAL_COST)
    expected = min(tune.max_trials, max(1, int(full + others)))
    return f"about {counted(expected, 'trial')} in {_minutes(plan.search_s)}, each"


def describe_training(plan: Plan, seconds: float) -> str:
    """Return how long the training of a run is."""
    assert plan.training is not None
    epochs, steps = plan.training["epochs"], plan.training["steps_per_epoch"]
    of = f" of {counted(steps, 'step')}" if steps else ""
    return f"training: {counted(epochs, 'epoch')}{of}, as long as fits into the {_minutes(seconds)} that are left"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.2g} minutes"
