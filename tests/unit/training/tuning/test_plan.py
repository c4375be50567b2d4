"""The length of trials and the division of a run's minutes."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from model.errors import StreamError, TrazoError
from training.config import TrainConfig, TuneConfig
from training.tuning import plan as planning
from training.tuning.plan import (
    NoTimeError,
    Plan,
    RunClock,
    describe_search,
    describe_training,
    plan_search,
    plan_training,
    training_time,
    with_length,
)
from training.tuning.speed import Speed, longest_training
from training.tuning.trial_length import TrialLength, choose_trial_length

TRAINING = TrainConfig(epochs=30)


@pytest.mark.parametrize(
    ("batches", "validation_batches", "training_steps", "search_steps", "length"),
    [
        (422, 47, 30 * 422, None, TrialLength(6, 211)),  # MNIST: three epochs in six parts
        (141, 16, 30 * 141, None, TrialLength(7, None)),  # 18,000 rows: a thousand steps
        (23, 3, 30 * 23, None, TrialLength(10, None)),  # 2,900 rows: a third of the training
        (10_000, 1_000, 30 * 10_000, None, TrialLength(2, 1500)),  # a part of an epoch; a validation takes long
        (422, 47, 30 * 422, 2400, TrialLength(6, 100)),  # in short time
        (2, 1, 3, None, TrialLength(1, 1)),
    ],
)  # fmt: skip
def test_choose_trial_length_follows_the_number_of_images(
    batches, validation_batches, training_steps, search_steps, length
):
    assert choose_trial_length(batches, validation_batches, training_steps, search_steps) == length


@pytest.mark.parametrize(
    ("seconds", "length"),
    [
        (1000, {"epochs": 9, "steps_per_epoch": None, "patience": 9}),
        (300, {"epochs": 5, "steps_per_epoch": 50, "patience": 5}),
        (1, {"epochs": 1, "steps_per_epoch": 1, "patience": 1}),
        (1e6, {"epochs": 200, "steps_per_epoch": None, "patience": 200}),
    ],
)
def test_longest_training_fits_into_the_time(seconds, length):
    speed = Speed(step_s=1.0, epoch_end_s=10.0)
    assert longest_training(seconds, speed, 100) == length
    if seconds > 1:
        assert speed.seconds(length["epochs"], length["steps_per_epoch"] or 100) <= seconds


@pytest.mark.parametrize(
    ("minutes", "epochs", "steps"),
    [(20, 1, 900), (60, 3, 900), (600, 5, 6900), (1000, 5, None)],
)
def test_longest_training_has_fewer_epochs_if_a_validation_takes_long(minutes, epochs, steps):
    speed = Speed(step_s=1.0, epoch_end_s=300.0)
    assert longest_training(60 * minutes, speed, 10_000) == {
        **{"epochs": epochs, "patience": epochs},
        "steps_per_epoch": steps,
    }


# --- The minutes of a run ---


@pytest.fixture
def opened() -> SimpleNamespace:
    """54,000 rows to learn from and 6,000 to validate."""
    return SimpleNamespace(train=range(422), validation=range(47))


@pytest.fixture
def measured(monkeypatch) -> list[int]:
    """Let a step take a tenth of a second; return a list with an entry for each measurement."""
    calls: list[int] = []

    def measure(*_) -> Speed:
        calls.append(1)
        return Speed(step_s=0.1, epoch_end_s=2.0)

    monkeypatch.setattr(planning, "_measure_first_point", measure)
    return calls


def make(folder, opened, minutes=None, run=True, **options) -> Plan:
    clock = RunClock(minutes, folder) if run and minutes else None
    return plan_search(TuneConfig(minutes=minutes, **options), opened, None, TRAINING, folder, clock)


def decided(plan: Plan) -> Plan:
    """Return a plan without what it was made for."""
    return replace(plan, request=None)


def test_plan_without_minutes_measures_nothing(tmp_path, opened, measured):
    assert decided(make(tmp_path, opened)) == Plan(TrialLength(6, 211)) and not measured


def test_plan_of_a_run_gives_a_fifth_of_its_minutes_to_the_search(tmp_path, opened, measured):
    plan = make(tmp_path, opened, minutes=60)
    assert plan.search_s == pytest.approx(0.2 * (3600 - planning.RESERVED_S), rel=1e-3)
    assert plan.trial == TrialLength(6, 211) and plan.speed == Speed(0.1, 2.0)
    assert plan.training_s == pytest.approx(0.8 * (3600 - planning.RESERVED_S), rel=1e-3)
    shorter = make(tmp_path / "shorter", opened, minutes=20)
    assert shorter.trial.epochs * shorter.trial.steps == pytest.approx(0.2 * (1200 - 15) / 0.1 / 4, rel=0.02)


def test_plan_of_a_run_with_much_time_searches_while_a_longer_training_would_gain_nothing(tmp_path, opened, measured):
    plan = make(tmp_path, opened, minutes=6000)
    assert plan.search_s == pytest.approx(60 * 6000 - planning.RESERVED_S - 200 * (422 * 0.1 + 2), abs=1)


def test_plan_of_a_run_with_given_epochs_searches_in_what_they_leave(tmp_path, opened, measured):
    clock = RunClock(60, tmp_path, epochs_given=True)  # 30 epochs of 44.2 s
    plan = plan_search(TuneConfig(minutes=60), opened, None, TRAINING, tmp_path, clock)
    assert plan.search_s == pytest.approx(3600 - planning.RESERVED_S - 30 * 44.2, abs=1)
    with pytest.raises(NoTimeError, match="30 epochs of training leave too little of 20 minutes for a search"):
        clock = RunClock(20, tmp_path / "short", epochs_given=True)
        plan_search(TuneConfig(minutes=20), opened, None, TRAINING, tmp_path / "short", clock)


def test_plan_training_without_a_search_uses_the_speed_that_was_measured(tmp_path, opened, measured):
    with pytest.raises(NoTimeError):
        make(tmp_path, opened, minutes=3)
    length = plan_training(tmp_path, RunClock(3, tmp_path), None, None, opened)
    assert length == {"epochs": 5, "steps_per_epoch": pytest.approx((165 / 5 - 2) / 0.1, abs=1), "patience": 5}
    late = RunClock(3, tmp_path)
    late._started -= 1000
    assert plan_training(tmp_path, late, None, None, opened) == length  # kept for a call that resumes


def test_plan_training_too_late_takes_half_of_the_minutes_all_the_same(tmp_path, opened, measured):
    with pytest.raises(NoTimeError):
        make(tmp_path, opened, minutes=3)
    late = RunClock(3, tmp_path)
    late._started -= 1000
    assert plan_training(tmp_path, late, None, None, opened)["steps_per_epoch"] == int((90 / 5 - 2) / 0.1)


def test_plan_of_a_run_with_little_time_has_no_search(tmp_path, opened, measured):
    with pytest.raises(NoTimeError, match="3 minutes are too short for a search"):
        make(tmp_path, opened, minutes=3)
    with pytest.raises(NoTimeError):
        make(tmp_path, opened, minutes=3)
    assert len(measured) == 2  # decided again: the machine may have been busy
    assert make(tmp_path / "given", opened, minutes=3, trial_epochs=1).trial == TrialLength(1, None)


def test_plan_of_a_search_alone_gives_it_all_the_minutes(tmp_path, opened, measured):
    plan = make(tmp_path, opened, minutes=10, run=False)
    assert plan.search_s == 600 and plan.trial == TrialLength(6, 211)
    given = make(tmp_path / "given", opened, minutes=10, run=False, trial_epochs=2)
    assert decided(given) == Plan(TrialLength(2, None))
    assert len(measured) == 1


def test_plan_is_kept_for_the_next_call(tmp_path, opened, measured):
    first = make(tmp_path, opened, minutes=60)
    assert make(tmp_path, opened, minutes=60) == first and len(measured) == 1
    (tmp_path / "tuner" / "plan.json").write_text(json.dumps({"trial": 3}))
    with pytest.raises(TrazoError, match=r"plan\.json is damaged; delete the folder"):
        make(tmp_path, opened, minutes=60)


def begin_search(folder, seconds: float) -> None:
    """Leave what a search of so many seconds leaves, in which two trials ran at the same time."""
    (folder / "tuner" / "search.json").write_text("{}")
    (folder / "tuner" / "time.json").write_text(json.dumps({"seconds": seconds}))
    for number in range(2):
        record = folder / "tuner" / f"trial_{number}" / "record.json"
        record.parent.mkdir(exist_ok=True)
        record.write_text(json.dumps({"trial_id": str(number), "seconds": seconds - 5.0}))


def test_plan_of_too_little_time_holds_for_these_minutes_only(tmp_path, opened, measured):
    with pytest.raises(NoTimeError):
        make(tmp_path, opened, minutes=3)
    plan_training(tmp_path, RunClock(3, tmp_path), None, None, opened)
    assert make(tmp_path, opened, minutes=600).trial == TrialLength(6, 211)
    with pytest.raises(NoTimeError):
        make(tmp_path / "again", opened, minutes=3)
    assert make(tmp_path / "again", opened, run=False).trial == TrialLength(6, 211)  # `tune`


def test_plan_for_other_minutes_divides_the_time_again_and_keeps_the_length_of_trials(tmp_path, opened, measured):
    make(tmp_path, opened, run=False)
    begin_search(tmp_path, 300.0)
    plan = make(tmp_path, opened, minutes=10)
    assert plan.trial == TrialLength(6, 211) and plan.search_s == pytest.approx(
        0.2 * (600 - planning.RESERVED_S), abs=1
    )
    assert plan.before_s == 300.0
    clock = RunClock(10, tmp_path)
    assert clock.search_minutes_left(plan) == pytest.approx(plan.search_s / 60)  # what came before does not count
    assert make(tmp_path, opened, minutes=20).search_s == pytest.approx(0.2 * (1200 - planning.RESERVED_S), abs=1)


def test_plan_training_that_has_started_keeps_its_length(tmp_path, opened, measured):
    (tmp_path / "tuner").mkdir()
    speed = Speed(0.1, 2.0)
    planning.save_plan(tmp_path, Plan(None, speed, request=RunClock(3, tmp_path).request))
    length = plan_training(tmp_path, RunClock(3, tmp_path), None, None, opened)
    (tmp_path / "checkpoint.safetensors").touch()
    assert plan_training(tmp_path, RunClock(60, tmp_path), None, None, opened) == length


def test_plan_for_other_minutes_plans_a_training_again_that_has_not_started(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(planning, "measure_speed", lambda *_: Speed(0.1, 2.0))
    short, long = (plan_training(tmp_path, RunClock(one, tmp_path), None, None, opened) for one in (3, 60))
    assert short["epochs"] == 5 and long["epochs"] == int((3600 - planning.RESERVED_S) / 44.2)


def test_plan_of_a_worker_is_the_one_that_its_chief_made_for_the_same_minutes(tmp_path, opened, measured, monkeypatch):
    plan = make(tmp_path, opened, minutes=60)
    monkeypatch.setattr(planning, "detect_role", lambda: "worker")
    monkeypatch.setattr(planning, "MAX_PEER_SILENCE_S", -1)
    assert make(tmp_path, opened, minutes=60) == plan and len(measured) == 1
    with pytest.raises(StreamError, match="start it with these --minutes"):
        make(tmp_path, opened, minutes=90)


def test_plan_of_an_older_version_is_made_again(tmp_path, opened, measured):
    first = make(tmp_path, opened, minutes=60)
    path = tmp_path / "tuner" / "plan.json"
    saved = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in saved.items() if k not in ("before_s", "request")}))
    assert make(tmp_path, opened, minutes=60) == replace(
        first, search_s=pytest.approx(first.search_s, abs=1), training_s=pytest.approx(first.training_s, abs=1)
    )


def test_clock_counts_what_earlier_calls_of_the_search_with_the_same_minutes_took(tmp_path, opened, measured):
    plan = make(tmp_path, opened, minutes=30)
    begin_search(tmp_path, 120.0)
    clock = RunClock(30, tmp_path)
    assert clock.seconds_left() == pytest.approx(1800 - 120 - planning.RESERVED_S, abs=1)
    assert clock.search_minutes_left(replace(plan, search_s=180.0)) == pytest.approx(1.0)
    assert 0 < clock.search_minutes_left(replace(plan, search_s=60.0)) < 1e-6
    assert RunClock(40, tmp_path).seconds_left() == pytest.approx(2400 - planning.RESERVED_S, abs=1)


@pytest.mark.parametrize(
    ("minutes", "epochs_given", "limited"), [(60, False, True), (60, True, False), (None, False, False)]
)
def test_training_time_is_limited_by_the_minutes_of_a_run(tmp_path, opened, measured, minutes, epochs_given, limited):
    clock = RunClock(minutes, tmp_path, epochs_given)
    plan = plan_search(TuneConfig(minutes=minutes), opened, None, TRAINING, tmp_path, clock)
    time = training_time(plan, clock, 422, with_length(TuneConfig(), plan))
    assert (time is not None) == limited
    if time:
        assert time.seconds == pytest.approx(3600 - planning.RESERVED_S, abs=1) and time.max_epochs == 400  # halves


def test_with_length_options_of_the_user_come_first():
    plan = Plan(TrialLength(6, 211))
    tune = with_length(TuneConfig(), plan)
    assert (tune.trial_epochs, tune.trial_steps) == (6, 211)
    short = with_length(TuneConfig(strategy="hyperband"), Plan(TrialLength(1, 5)))
    assert (short.trial_epochs, short.trial_steps) == (3, 5)  # as many as hyperband needs
    tune = with_length(TuneConfig(trial_steps=10), plan)
    assert (tune.trial_epochs, tune.trial_steps) == (planning.DEFAULT_TRIAL_EPOCHS, 10)


# --- What is said before it starts ---


def describe(plan: Plan, known=("preset default", "preset fast"), **options) -> list[str]:
    job = SimpleNamespace(tune=with_length(TuneConfig(**options), plan), starting_points=known, train=range(422))
    return describe_search(plan, job)


def test_describe_search_says_how_many_trials_of_which_length_and_when_it_ends():
    assert describe(Plan(TrialLength(6, 211))) == [
        "search: at most 30 trials of 6 epochs of 211 steps",
        "its first trials: preset default, preset fast",
        "any other trial stops after epoch 1 and 2 unless it is in the best third of all trials at that age",
        "it ends when 6 trials in a row are not better than the best one",
    ]


def test_describe_search_with_minutes_says_how_many_trials_fit():
    plan = Plan(TrialLength(6, 211), Speed(0.1, 2.0), search_s=720.0)  # 139 s for a full trial: two, and eight shorter
    assert describe(plan)[0] == "search: about 9 trials in 12 minutes, each of 6 epochs of 211 steps"
    assert describe(plan, full_trials=True)[0].startswith("search: about 5 trials in 12 minutes, each")
    assert describe(plan, trials=4)[0].startswith("search: about 4 trials")
    run = replace(plan, training_s=2865.0)
    assert describe(run)[-1] == "then a training of about 64 epochs, in about 48 minutes"
    assert describe(replace(run, training_s=100.0))[-1].startswith("then a training of about 5 epochs of a part of the")


def test_describe_search_short_trials_without_stops_or_presets():
    plan = Plan(TrialLength(1, 10))
    assert describe(plan, known=(), trials=5) == [
        "search: at most 5 trials of 1 epoch of 10 steps",
        "trials this short favor networks that learn fast over those that end well",
    ]


def test_describe_training_says_how_long_it_is():
    plan = Plan(None, training={"epochs": 12, "steps_per_epoch": None, "patience": 12})
    assert describe_training(plan, 2880) == "training: 12 epochs, as long as fits into the 48 minutes that are left"
