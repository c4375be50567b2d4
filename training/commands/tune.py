"""`tune`: search hyperparameters."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.artifacts import TRIALS_FILE
from model.heads import choose_objective
from model.io.reports.inspection import DataReport
from model.io.reports.trials import TrialsReport
from model.io.trials import PRESET_ORIGIN, compare_with_presets
from training.config import TRIAL_OPTIONS, DataConfig, TrainConfig, TuneConfig
from training.data.inspection.report import inspect_run
from training.data.splits import TrainingData
from training.preparation import keep_contents, keep_data, open_checked, read_histogram
from training.presets import choose_preset
from training.recipe import Recipe, decide_mirroring
from training.tuning.parallel import run_parallel
from training.tuning.plan import Plan, RunClock, describe_search, plan_search, training_time, with_length
from training.tuning.preset_points import suitable_presets
from training.tuning.search_job import SearchJob
from training.tuning.search_space import SearchSpace, searched_names
from training.tuning.trials_report import describe_interval
from training.tuning.tuner import run_search
from training.tuning.warm_start import read_warm_start

logger = logging.getLogger("trazo")


def tune(
    data: DataConfig,
    overrides: dict[str, Any],
    search: TuneConfig,
    folder: Path,
    track: Sequence[str] = (),
    found: DataReport | None = None,
    clock: RunClock | None = None,
) -> TrialsReport | None:
    """Search hyperparameters and write trials.json to the folder.

    Args:
        data: which rows.
        overrides: fields of TrainConfig that the user set; they are not searched.
        search: how to search.
        folder: the run; an interrupted search in it continues.
        track: trackers that each trial is reported to.
        found: what data.json is to hold; None to find it out.
        clock: of a run that trains within the same minutes; None if there is only a search.

    Returns:
        trials.json; None in a worker, since the chief has it.

    Raises:
        NoTimeError: if there is too little time for a search, or no trial completed within it.
        TrazoError: if data and settings do not fit together, or no trial completed.
    """
    job, plan, opened = prepare_search(data, overrides, search, folder, track, clock)
    if not (folder / TRIALS_FILE).exists():
        for line in describe_search(plan, job):
            logger.info(line)
    # Refuses the folder of another search before it writes reports.
    outcome = run_parallel(job, search.parallel) if search.parallel > 1 else run_search(job)
    keep_data(found or inspect_run(data, opened), opened, folder)
    keep_contents(data, opened, folder)
    if outcome.stop_reason:
        logger.info(outcome.stop_reason)
    report = outcome.report
    if report is None:
        logger.info("done: no further trials for this worker")
        return None
    _log_best(report)
    return report


def prepare_search(
    data: DataConfig,
    overrides: dict[str, Any],
    search: TuneConfig,
    folder: Path,
    track: Sequence[str] = (),
    clock: RunClock | None = None,
) -> tuple[SearchJob, Plan, TrainingData]:
    """Return (what is searched from which points on, what its time is for, the rows); arguments are those of `tune`."""
    opened, config_fields, settings = open_checked(data, TrainConfig(**overrides), folder)
    choose_objective(opened.train.task, search.objective)  # refuse one that does not suit before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    space = _search_space(data, opened, config_fields, overrides, search, folder)
    known = {f"{PRESET_ORIGIN}{name}": values for name, values in space.known_points().items()}
    if search.warm_start:
        known[f"best of {search.warm_start.name}"] = read_warm_start(search.warm_start, space)
    training = replace(settings, **space.length({}) | {k: v for k, v in overrides.items() if k in TRIAL_OPTIONS})
    plan = plan_search(search, opened, space, training, folder, clock)
    search = with_length(search, plan)
    if clock and plan.search_s is not None:
        search = replace(search, minutes=clock.search_minutes_left(plan))
    time = training_time(plan, clock, len(opened.train), search)
    job = SearchJob(
        space,
        settings,
        search,
        opened.train,
        opened.validation,
        folder,
        track,
        known=known,
        is_of_run=clock is not None,
        training_time=time,
    )
    return job, plan, opened


def _search_space(
    data: DataConfig,
    opened: TrainingData,
    config_fields: dict[str, Any],
    overrides: dict[str, Any],
    search: TuneConfig,
    folder: Path,
) -> SearchSpace:
    """Return the space around the presets that suit the data, mirrored images decided."""
    overrides = {name: value for name, value in overrides.items() if name not in TRIAL_OPTIONS}
    histogram, first = read_histogram(opened, folder), choose_preset(opened.image_kind.photographs)
    presets = suitable_presets(config_fields, opened.train.rows, first, bool(data.sketches), search.max_params)
    for name, preset in presets.items():
        recipe = Recipe(preset.architecture, preset.training, name, preset.mirrors_if_it_may)
        decided = decide_mirroring(recipe, opened, config_fields, histogram, overrides, folder)
        presets[name] = replace(preset, training=decided.training)
    return SearchSpace(
        config_fields, overrides, histogram, searched_names(search.search, overrides, bool(presets)), presets
    )


def _log_best(report: TrialsReport) -> None:
    best, completed = report.best, sum(trial.status == "COMPLETED" for trial in report.trials)
    assert best is not None  # `run_search` refuses a search without one
    logger.info(
        "%d of %d trials completed; best: %s, %s %.4f%s",
        completed,
        len(report.trials),
        best.trial_id,
        report.objective.name,
        best.score,
        describe_interval(report),
    )
    if compared := compare_with_presets(report.trials, best.trial_id, report.strategy):
        logger.info(compared)
    if report.chosen_because:
        logger.info("what is trained: %s", report.chosen_because)
