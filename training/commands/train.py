"""`train`: train one network."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.artifacts import TRIALS_FILE
from model.errors import TrazoError
from model.io.reports.inspection import DataReport
from training.config import DataConfig, TrainConfig, TransferConfig
from training.data.inspection.report import inspect_run
from training.loop.precision import usable_precision
from training.loop.workers import ALONE, Workers
from training.planned import PlannedTraining
from training.preparation import (
    check_settings,
    keep_contents,
    keep_data,
    make_config,
    open_for_run,
    read_histogram,
    rebatch,
)
from training.recipe import Recipe, choose_recipe, decide_mirroring
from training.transfer.start import StartingModel
from training.transfer.train import train_on_backbone
from training.tuning.plan import RunClock, plan_training
from training.tuning.search_space import PRESET, best_hyperparameters
from training.tuning.trials_report import read_trials

FRESH = TransferConfig()  # random weights


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
    starting: StartingModel | None = None,
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
        starting: the model of `transfer.start_from` if it is loaded already.
        workers: that train together, of which this is the first; the others call `follow`.

    Raises:
        TrazoError: if data and settings do not fit together, or the folder belongs to a run with other settings.
    """
    if transfer.backbone and preset:
        raise TrazoError("--preset brings its own network: leave it out, or --backbone")
    if transfer.backbone:
        return train_on_backbone(data, overrides, folder, transfer, verbose, track, found, clock, workers)
    if transfer.start_from and not starting:
        starting = StartingModel(transfer.start_from)
    planned = _plan(data, overrides, folder, preset, found, starting)
    if clock and clock.minutes and not clock.epochs_given:
        length = plan_training(folder, clock, planned.config, planned.settings, planned.opened)
        settings = replace(planned.settings, **length)
        planned = replace(planned, settings=settings, overrides=planned.overrides | length)
    planned.report_short()
    planned.carry_out(verbose, track, workers)


def _plan(
    data: DataConfig,
    overrides: dict[str, Any],
    folder: Path,
    preset: str | None,
    found: DataReport | None,
    starting: StartingModel | None,
) -> PlannedTraining:
    """Open the data, decide network and recipe, and note in the folder what is learned from; arguments as `train`'s."""
    data = starting.with_images(data) if starting else data
    searched = _searched_recipe(folder) if preset is None else None
    opened = open_for_run(data, TrainConfig(**(searched.training if searched else {}) | overrides), folder)
    recipe = searched or choose_recipe(opened, preset)
    recipe = starting.adapt(recipe, preset is not None) if starting else recipe
    settings = TrainConfig(**recipe.training | overrides)
    opened = rebatch(opened, settings.batch_size)
    config_fields, settings = check_settings(opened, settings)
    keep_data(found or inspect_run(data, opened), opened, folder)
    keep_contents(data, opened, folder)

    histogram = read_histogram(opened, folder)
    recipe = decide_mirroring(recipe, opened, config_fields, histogram, overrides, folder)
    settings = replace(settings, **recipe.training | overrides)
    settings = replace(settings, precision=usable_precision(settings.precision))  # what training.json then reports
    architecture = recipe.architecture
    if starting:
        config_fields["image_shape"] = starting.config.image_shape
    else:
        architecture = architecture | {"scaling": histogram.fit(architecture["scaling"])}
    config = make_config(data, config_fields | architecture, settings)
    return PlannedTraining(
        data,
        opened,
        config,
        settings,
        folder,
        architecture | ({PRESET: recipe.start} if recipe.start else {}),
        overrides,
        preset=recipe.preset,
        decisions=recipe.decisions,
        start=starting.start(config) if starting else None,
        starting_point=starting.about if starting else None,
    )


def _searched_recipe(folder: Path) -> Recipe | None:
    """Return the recipe that a run's search chose; None without a search."""
    report = read_trials(folder) if (folder / TRIALS_FILE).exists() else None
    found = best_hyperparameters(report) if report else None
    if report is None or found is None or report.chosen is None:
        return None
    decisions = (f"of the search, {report.chosen_because}",) if report.chosen_because else ()
    start = report.chosen.hyperparameters.get(PRESET)
    return Recipe(*found, decisions=decisions, start=str(start) if start else None)
