"""The steps from a dataset to a measured model, one function per step. A step that was interrupted continues."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from model import CnnModel
from model.artifacts import CHECKPOINT_FILE, CONFIG_FILE, EVALUATION_FILE, TRIALS_FILE
from model.errors import TrazoError
from model.folders import check_can_be_made
from model.heads import choose_objective
from model.io.locate import locate_model
from model.io.reports import write_report
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.inspection import DataReport
from model.io.reports.trials import TrialsReport
from model.io.trials import PRESET_ORIGIN, compare_with_presets
from model.io.weights import matches_weights, weights_hash
from model.words import counted
from training.config import TRIAL_OPTIONS, DataConfig, StudyConfig, TrainConfig, TransferConfig, TuneConfig
from training.data.contents import CONTENTS_FILE, Contents
from training.data.image_shape import sample_facts
from training.data.inspection.report import inspect_run
from training.data.splits import HELD_OUT, TrainingData, one_config_per_dataset, open_stream
from training.evaluation import metrics
from training.evaluation.calibration import calibrate
from training.evaluation.learned import find_learned, inherit_options, read_training, report_unlearned_views
from training.evaluation.measured_rows import MeasuredRows, open_measured_rows
from training.evaluation.summary import summarize
from training.follow import announce
from training.loop.precision import usable_precision
from training.loop.trainer import fit
from training.loop.workers import ALONE, Workers
from training.preparation import (
    check_settings,
    keep_contents,
    keep_data,
    log_data,
    make_config,
    open_checked,
    open_for_run,
    read_histogram,
    rebatch,
)
from training.presets import choose_preset
from training.recipe import Recipe, choose_recipe, decide_mirroring
from training.release.card import write_card
from training.run_report import describe_training, hyperparameter_values, log_validation, write_run
from training.study.design import TRAINING, make_design
from training.study.space import StudySpace
from training.study.study import format_study, run_study
from training.tracking.run import RunLabel
from training.tracking.tracking import Tracking
from training.transfer.start import StartingModel
from training.transfer.train import check_search, train_on_backbone, with_images_for_start, without_preset
from training.tuning.distributed import detect_role
from training.tuning.parallel import run_parallel
from training.tuning.plan import (
    NoTimeError,
    Plan,
    RunClock,
    describe_search,
    plan_search,
    plan_training,
    with_length,
)
from training.tuning.preset_points import suitable_presets
from training.tuning.search_job import SearchJob
from training.tuning.search_space import PRESET, SearchSpace, best_hyperparameters, searched_names
from training.tuning.trials_report import describe_interval, read_trials
from training.tuning.tuner import run_search
from training.tuning.warm_start import read_warm_start

MIN_TRAINING_STEPS = 200  # with fewer, a network of any preset has hardly changed

FRESH = TransferConfig()  # random weights

logger = logging.getLogger("trazo")


def run_all(
    data: DataConfig,
    overrides: dict[str, Any],
    search: TuneConfig,
    folder: Path,
    track: Sequence[str] = (),
    transfer: TransferConfig = FRESH,
) -> None:
    """Tune, train and evaluate; steps that are finished are skipped. A worker of a search only tunes.

    A training that starts from other weights has a network already, and needs no search.

    No trials are added once the training has started: a new best trial could describe another network than the one
    that is half trained.
    """
    if data.test_split == data.split:
        raise TrazoError(f"what is measured must not be learned from: both splits are {data.split!r}")
    if data.test_split not in ("test", HELD_OUT):
        for one in one_config_per_dataset(data):
            open_stream(one, data.test_split)  # it must exist
    if transfer.backbone or transfer.start_from:
        check_search(search, transfer)
    clock = RunClock(search.minutes, folder, "epochs" in overrides)
    data = with_images_for_start(data, overrides, transfer)
    opened, _, _ = open_checked(data, TrainConfig(**overrides), folder)
    found = inspect_run(data, opened, with_test=True)
    found = without_preset(found) if transfer.backbone else found
    log_data(found)
    measured = _open_measured(data, opened, folder)  # report what cannot be measured before hours of work, not after
    if transfer.backbone or transfer.start_from:
        logger.info("no search: the network is that of %s", transfer.backbone or transfer.start_from)
    elif (folder / CHECKPOINT_FILE).exists():
        logger.info("the training has already started: no further trials")
    else:
        try:
            if tune(data, overrides, search, folder, track, found, clock) is None:
                return
        except NoTimeError as error:
            if detect_role() == "worker":
                return
            logger.info("%s: the preset is trained without a search", error)
    train(data, overrides, folder, track=track, found=found, clock=clock, transfer=transfer)
    evaluation = EvaluationReport.read(folder / EVALUATION_FILE)
    known = [one.fingerprint for one in evaluation.sources] if evaluation else []
    # The test split is used only once, unless other rows are in it now.
    if (
        not evaluation
        or not matches_weights(evaluation.weights_sha256, folder)
        or known != [one.fingerprint for one in measured]
    ):
        evaluate(str(folder), data, folder)
    logger.info("done: %s; publish it with `python -m training publish %s --repo owner/name`", folder, folder)


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
    # Refuses the folder of another search before it writes.
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
    training = replace(settings, **space.length | {k: v for k, v in overrides.items() if k in TRIAL_OPTIONS})
    plan = plan_search(search, opened, space, training, folder, clock)
    search = with_length(search, plan)
    if clock and plan.search_s is not None:
        search = replace(search, minutes=clock.search_minutes_left(plan))
    job = SearchJob(space, settings, search, opened.train, opened.validation, folder, track, known=known)
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
    if compared := compare_with_presets(report.trials, best.trial_id):
        logger.info(compared)
    if report.chosen_because:
        logger.info("what is trained: %s", report.chosen_because)


def study(data: DataConfig, config: StudyConfig, folder: Path) -> str:
    """Measure the choices of a network one at a time; write study.json to the folder, and return its table.

    Raises:
        TrazoError: if the data does not suit a study, or the folder holds another one.
    """
    opened, config_fields, settings = open_checked(data, TrainConfig(batch_size=TRAINING["batch_size"]), folder)
    levels = make_design(opened.train.task, opened.image_shape, config.factors)
    folder.mkdir(parents=True, exist_ok=True)
    space = StudySpace(config_fields, read_histogram(opened, folder), levels, config.seeds)
    keep_data(inspect_run(data, opened), opened, folder)
    keep_contents(data, opened, folder)
    return format_study(run_study(space, levels, settings, config, opened, folder))


def train(
    data: DataConfig,
    overrides: dict[str, Any],
    folder: Path,
    preset: str | None = None,
    verbose: bool = True,
    track: Sequence[str] = (),
    found: DataReport | None = None,
    clock: RunClock | None = None,
    transfer: TransferConfig = FRESH,
    workers: Workers = ALONE,
) -> None:
    """Train, and write the model (`CnnModel.save_pretrained`), training.json and the card to the folder.

    Args:
        data: which rows.
        overrides: fields of TrainConfig that the user set; they take precedence over the preset or the search.
        folder: the run. Without a preset, its trials.json gives the hyperparameters if there is one.
        preset: a key of `PRESETS`.
        verbose: show progress.
        track: trackers that the training is reported to.
        found: what data.json is to hold; None to find it out.
        clock: of a run; if its minutes are limited and the epochs are not given, it trains as long as they allow.
        transfer: weights that the training starts from.
        workers: that train together, of which this is the first; the others call `follow`.

    Raises:
        TrazoError: if data and settings do not fit together, or the folder belongs to a run with other settings.
    """
    if transfer.backbone and preset:
        raise TrazoError("--preset brings its own network: leave it out, or --backbone")
    if transfer.backbone:
        return train_on_backbone(data, overrides, folder, transfer, verbose, track, found, clock, workers)
    starting = StartingModel(transfer.start_from) if transfer.start_from else None
    data = starting.with_images(data) if starting else data
    searched = _searched_recipe(folder) if preset is None else None
    opened = open_for_run(data, TrainConfig(**(searched.training if searched else {}) | overrides), folder)
    recipe = searched or choose_recipe(opened, preset)
    recipe = starting.adapt(recipe) if starting else recipe
    settings = TrainConfig(**recipe.training | overrides)
    opened = rebatch(opened, settings.batch_size)
    config_fields, settings = check_settings(opened, settings)
    keep_data(found or inspect_run(data, opened), opened, folder)
    keep_contents(data, opened, folder)
    histogram = read_histogram(opened, folder)
    recipe = decide_mirroring(recipe, opened, config_fields, histogram, overrides, folder)
    settings = replace(settings, **recipe.training | overrides)
    settings = replace(settings, precision=usable_precision(settings.precision))  # what training.json then reports
    if starting:
        architecture = recipe.architecture
        config_fields["image_shape"] = starting.config.image_shape
    else:
        architecture = recipe.architecture | {"scaling": histogram.fit(recipe.architecture["scaling"])}
    config = make_config(data, config_fields | architecture, settings)
    if clock and clock.minutes and not clock.epochs_given:
        length = plan_training(folder, clock, config, settings, opened)
        settings, overrides = replace(settings, **length), overrides | length
    steps = settings.epochs * min(len(opened.train), settings.steps_per_epoch or len(opened.train))
    checkpoint = folder / CHECKPOINT_FILE
    if steps < MIN_TRAINING_STEPS and not checkpoint.exists():
        logger.info(
            "only %s of training, which stops after %d without a better validation loss: use more --epochs and "
            "--patience, or a smaller --batch-size",
            counted(steps, "step"),
            settings.patience * steps // settings.epochs,
        )
    hyperparameters = hyperparameter_values(settings) | architecture
    hyperparameters |= {"scaling": config.scaling.method, "loss": config.loss}
    hyperparameters |= {PRESET: recipe.start} if recipe.start else {}
    announce(config, settings, workers)
    with Tracking(track, RunLabel(folder, "training", hyperparameters)) as tracking:
        trained, progress = fit(
            config,
            settings,
            opened.train,
            opened.validation,
            start=starting.start(config) if starting else None,
            checkpoint=checkpoint,
            on_epoch=lambda progress: tracking.write(progress.history),
            verbose=verbose,
            workers=workers,
        )
    if progress.epoch < settings.epochs:
        logger.info(
            "stopped after epoch %d of %d: none was better since %d",
            progress.epoch,
            settings.epochs,
            progress.best_epoch,
        )
    log_validation(progress.history[progress.best_epoch - 1], opened, config)
    report = describe_training(
        data,
        opened,
        config,
        settings,
        progress,
        parameters=trained.count_params(),
        hyperparameters=hyperparameters,
        overrides=overrides,
        preset=recipe.preset,
        decisions=recipe.decisions,
        starting_point=starting.about if starting else None,
    )
    calibrated = calibrate(
        config, trained, opened.train, opened.validation, outliers=settings.outliers, seed=settings.seed
    )
    write_run(folder, calibrated, report)


def evaluate_given(
    model: str, given: Mapping[str, Any], folder: Path | None, mistakes: int = 0, average_views: str | None = None
) -> EvaluationReport:
    """Measure a model as `evaluate` does, with the options of its training where the user gives none.

    Args:
        model: folder or Hub id.
        given: fields of DataConfig that the user set; without a dataset, those of the training are measured.
        folder: as for `evaluate`.
        mistakes: as for `evaluate`.
        average_views: as for `evaluate`.
    """
    folder_of_model = locate_model(model)[0]
    data = inherit_options(given, read_training(folder_of_model))
    return evaluate(str(folder_of_model), data, folder, mistakes, average_views)


def evaluate(
    model: str, data: DataConfig, folder: Path | None, mistakes: int = 0, average_views: str | None = None
) -> EvaluationReport:
    """Measure a model on the test split of each dataset; write evaluation.json and the card if there is a folder.

    Rows with an image that the model learned from are left out and counted.

    Args:
        model: folder or Hub id.
        data: which rows. The first dataset's measures are the report's own, those of the others are listed in it
            under `extra_datasets`.
        folder: where to write; made if it does not exist.
        mistakes: how many mistakes on the first dataset are kept with their images.
        average_views: a key of `model.views.VIEWS`, over which predictions are averaged; None for the image alone.

    Returns:
        evaluation.json.

    Raises:
        TrazoError: if the model cannot be loaded, the folder cannot be written, the dataset has none of its classes,
            or no row is left that it has not learned from.
    """
    cnn = CnnModel.from_pretrained(model)
    assert cnn.folder is not None  # it was loaded
    if folder:
        check_can_be_made(folder, "--output")
    report_unlearned_views(cnn.folder, average_views)
    learned = find_learned(cnn.folder, data, read_training(cnn.folder))
    configs = one_config_per_dataset(data)
    measured = [open_measured_rows(one, cnn.config.labels, cnn.config.task, learned) for one in configs]
    report = _evaluate_dataset(cnn, configs[0], measured[0], average_views, mistakes)
    if configs[1:]:
        report.extra_datasets = [
            _evaluate_dataset(cnn, one, rows, average_views)
            for one, rows in zip(configs[1:], measured[1:], strict=True)
        ]
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        report.weights_sha256 = weights_hash(cnn.folder)
        write_report(folder / EVALUATION_FILE, report)
        if (folder / CONFIG_FILE).is_file():
            write_card(folder)
    return report


def _searched_recipe(folder: Path) -> Recipe | None:
    """Return the recipe that a run's search chose; None without a search."""
    report = read_trials(folder) if (folder / TRIALS_FILE).exists() else None
    found = best_hyperparameters(report) if report else None
    if report is None or found is None or report.chosen is None:
        return None
    decisions = (f"of the search, {report.chosen_because}",) if report.chosen_because else ()
    start = report.chosen.hyperparameters.get(PRESET)
    return Recipe(*found, decisions=decisions, start=str(start) if start else None)


def _open_measured(data: DataConfig, opened: TrainingData, folder: Path) -> list[MeasuredRows]:
    """Open the test rows of every dataset, and refuse what cannot be measured."""
    learned = Contents.load(folder / CONTENTS_FILE) or Contents.of(data, opened)
    measured = [
        open_measured_rows(one, opened.train.labels, opened.train.task, learned) for one in one_config_per_dataset(data)
    ]
    for rows in measured if data.no_scan else []:
        sample_facts(rows.stream)
    return measured


def _evaluate_dataset(
    cnn: CnnModel, data: DataConfig, rows: MeasuredRows, average_views: str | None, mistakes: int = 0
) -> EvaluationReport:
    stream, split = rows.stream, rows.split
    training = read_training(cnn.folder) if cnn.folder else None
    class_rows = training.class_rows if training else None
    report = metrics.evaluate(cnn, stream, mistakes, class_rows, average_views)
    report.split, report.sketches = split, data.dataset in data.sketches
    report.fingerprint, report.comparison = rows.fingerprint, rows.comparison
    if summary := stream.take_skip_summary():
        logger.info(summary)
    for line in summarize(report):
        logger.info(line)
    return report
