"""Train on a backbone: first a head on its frozen features, in seconds; then, if wanted, the whole network."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.backend import keras
import numpy as np

from model import CnnConfig, CnnModel
from model.artifacts import CHECKPOINT_FILE
from model.errors import TrazoError
from model.heads import HEADS
from model.io.reports.inspection import DataReport
from model.io.reports.schema import utc_timestamp
from model.network import build_network
from training.config import DataConfig, TrainConfig, TransferConfig
from training.data.inspection.report import inspect_run
from training.data.splits import TrainingData
from training.evaluation.calibration import MAX_FEATURE_ROWS, LogitsAndFeatures, calibrate_on
from training.evaluation.learned import read_training
from training.loop.precision import usable_precision
from training.loop.state import Progress
from training.loop.trainer import Start, further_measures
from training.loop.workers import ALONE, Workers
from training.planned import PlannedTraining
from training.preparation import keep_contents, keep_data, make_config, open_checked, read_histogram
from training.recipe import Recipe, decide_mirroring
from training.run_report import describe_training, log_validation, write_run
from training.transfer.backbone import FINETUNING, Backbone, open_backbone
from training.transfer.checks import OF_HEAD, check_settings
from training.transfer.features import Features, compute_features
from training.transfer.head import LinearHead, fit_head
from training.transfer.start import StartingModel
from training.tuning.plan import RunClock, plan_training

logger = logging.getLogger("trazo")

IMAGE_SIDE_PX = 160  # that backbones get unless another is given


@dataclass(frozen=True)
class _Run:
    """What both trainings have in common."""

    data: DataConfig
    opened: TrainingData
    config: CnnConfig
    settings: TrainConfig
    overrides: dict[str, Any]
    backbone: Backbone
    folder: Path
    decisions: tuple[str, ...]


def train_on_backbone(
    data: DataConfig,
    overrides: dict[str, Any],
    folder: Path,
    transfer: TransferConfig,
    verbose: bool = True,
    track: Sequence[str] = (),
    found: DataReport | None = None,
    clock: RunClock | None = None,
    workers: Workers = ALONE,
) -> None:
    """Fit a head on a backbone's frozen features and write the run; then train the whole network if that is wanted.

    Args:
        data: which rows.
        overrides: fields of TrainConfig that the user set.
        folder: of the run.
        transfer: names the backbone.
        verbose: show progress.
        track: trackers that the whole network's training is reported to.
        found: what data.json is to hold; None to find it out.
        clock: of a run; if its minutes are limited and the epochs are not given, the whole network trains as long as
            they allow.
        workers: that train the whole network together; the first one alone fits the head.

    Raises:
        TrazoError: if the backbone cannot be used, a setting has no meaning for a head, or the folder belongs to a run
            with other settings.
    """
    assert transfer.backbone is not None
    check_settings(overrides, transfer, track)
    if workers.size > 1 and not transfer.finetune:
        raise TrazoError("a head on frozen features is fitted by one process: add --finetune to train with several")
    backbone = open_backbone(transfer.backbone)
    check_folder(folder, backbone, transfer.finetune)
    data = with_images_for(backbone, data)
    architecture = {"backbone": backbone.architecture.name, "filters": (), "dense_units": ()}
    recipe = Recipe(architecture, FINETUNING if transfer.finetune else {}, mirrors_if_it_may=transfer.finetune)
    opened, config_fields, settings = open_checked(data, TrainConfig(**recipe.training | overrides), folder)
    keep_data(without_preset(found or inspect_run(data, opened)), opened, folder)
    keep_contents(data, opened, folder)
    config = make_config(data, config_fields | architecture | {"scaling": backbone.scaling}, settings)
    if transfer.finetune:
        recipe = decide_mirroring(recipe, opened, config_fields, read_histogram(opened, folder), overrides, folder)
        settings = replace(settings, **recipe.training | overrides)
        settings = replace(settings, precision=usable_precision(settings.precision))
    run = _Run(data, opened, config, settings, overrides, backbone, folder, recipe.decisions)
    if not (folder / CHECKPOINT_FILE).exists():
        _train_head(run)
    if transfer.finetune:
        if clock and clock.minutes and not clock.epochs_given:
            length = plan_training(folder, clock, config, settings, opened)
            run = replace(run, settings=replace(settings, **length), overrides=overrides | length)
        _finetune(run, verbose, track, workers)


def with_images_for_start(
    data: DataConfig,
    overrides: dict[str, Any],
    transfer: TransferConfig,
    folder: Path,
    starting: StartingModel | None,
) -> DataConfig:
    """Return which rows to read, with images that suit the weights which a training starts from.

    Args:
        data: which rows.
        overrides: fields of TrainConfig that the user set; checked for a head.
        transfer: what the training starts from.
        folder: of the run.
        starting: the model of `transfer.start_from`.

    Raises:
        TrazoError: if there is no such backbone, the weights do not suit what the user asked for, or the folder holds
            another training.
    """
    if transfer.backbone:
        check_settings(overrides, transfer)
        backbone = open_backbone(transfer.backbone)
        check_folder(folder, backbone, transfer.finetune)
        return with_images_for(backbone, data)
    return starting.with_images(data) if starting else data


def check_folder(folder: Path, backbone: Backbone, finetune: bool) -> None:
    """Refuse a folder with a training of a whole network, unless it is the one that `finetune` continues.

    Args:
        folder: of the run.
        backbone: that the training starts from.
        finetune: whether the whole network is trained; its other settings are compared with the checkpoint.

    Raises:
        TrazoError: with what the folder holds.
    """
    if not (folder / CHECKPOINT_FILE).exists():
        return
    report = read_training(folder)
    start = report.starting_point if report else None
    if finetune and start and start.weights_sha256 == backbone.about.weights_sha256:
        return
    found = "a training that has not ended"
    if start:
        found = f"a network that was trained from the weights of {start.name}"
    elif report:
        found = f"a training of {f'the preset {report.preset}' if report.preset else 'the best trial of a search'}"
    wanted = f"the whole of {backbone.about.name}" if finetune else f"a head on {backbone.about.name}"
    raise TrazoError(f"{folder} holds {found}, which is not {wanted}: give another --output")


def without_preset(found: DataReport) -> DataReport:
    """Return data.json without the preset that would suit the images: the network is the backbone's."""
    found.plan.preset, found.plan.preset_reason, found.plan.estimates = None, None, []
    return found


def with_images_for(backbone: Backbone, data: DataConfig) -> DataConfig:
    """Return which rows to read, with images in the color and of the size that a backbone takes.

    Raises:
        TrazoError: if the user asked for gray images, or for smaller ones.
    """
    least = backbone.architecture.shrinking
    side = data.image_size or IMAGE_SIDE_PX
    if data.color == "gray" or side < least:
        raise TrazoError(
            f"the backbone {backbone.about.name} takes RGB images of at least {least} pixels: leave out --color gray, "
            f"and give --image-size {least} or more"
        )
    return replace(data, color="rgb", image_size=side)


def _train_head(run: _Run) -> None:
    """Fit the head, and write a run whose model has it."""
    started, config, opened = time.monotonic(), run.config, run.opened
    network = build_network(config)
    run.backbone.assign_to(network)
    sha256 = run.backbone.about.weights_sha256
    train, validation = (compute_features(network, config, one, sha256) for one in (opened.train, opened.validation))
    for part, name in ((train, "training"), (validation, "validation")):
        if not len(part.labels):
            raise TrazoError(f"no {name} row has a usable image and label")
    features_s = time.monotonic() - started
    head = fit_head(config, train, validation, run.settings.class_weight_values)
    layer = network.get_layer("head")
    layer.kernel.assign(head.kernel)
    layer.bias.assign(head.bias)
    seconds = time.monotonic() - started
    logger.info(
        "head on the frozen features of %s: %.1f s for the features, %.1f s for the fit",
        run.backbone.about.name,
        features_s,
        seconds - features_s,
    )
    row = {"epoch": 1, **_measure(config, train, head), "seconds": round(seconds, 2)}
    row |= {f"val_{name}": value for name, value in _measure(config, validation, head, further=True).items()}
    log_validation(row, opened, config)
    progress = Progress(epoch=1, best_epoch=1, history=[row], seconds=seconds, finished=True, ended=utc_timestamp())
    hyperparameters = {"backbone": config.backbone, "head": "linear, on frozen features", "penalty": head.penalty}
    hyperparameters |= {name: getattr(run.settings, name) for name in OF_HEAD}
    report = describe_training(
        run.data,
        opened,
        config,
        run.settings,
        progress,
        parameters=network.count_params(),
        hyperparameters=hyperparameters | {"scaling": config.scaling.method, "loss": config.loss},
        overrides=run.overrides,
        starting_point=run.backbone.about.model_copy(update={"frozen": True}),
    )
    write_run(run.folder, _calibrate(config, network, train, validation, head), report)


def _calibrate(
    config: CnnConfig, network: keras.Model, train: Features, validation: Features, head: LinearHead
) -> CnnModel:
    if config.task == "regression":
        return CnnModel(config, network)
    rows = np.unique(np.linspace(0, len(train.labels) - 1, MAX_FEATURE_ROWS).astype(int))
    familiar = LogitsAndFeatures(head.scores(train.values[rows]), train.values[rows], train.labels[rows])
    kept = np.array(validation.values[:MAX_FEATURE_ROWS])
    validated = LogitsAndFeatures(head.scores(validation.values), kept, validation.labels)
    return calibrate_on(config, network, familiar, validated)


def _measure(config: CnnConfig, features: Features, head: LinearHead, further: bool = False) -> dict[str, float]:
    """Return loss and metric of a head, as a training's history has them; `further` adds those of a validation."""
    scores, labels = head.scores(features.values), features.labels
    if config.task == "multiclass":
        answers = scores.argmax(axis=1)
    elif config.task == "binary":
        answers = (scores[:, 0] > 0).astype(int)
    else:
        offset, scale = config.target_offset_and_scale
        answers = (np.logaddexp(0, scores[:, 0]) if config.loss == "poisson" else scores[:, 0]) * scale + offset
    metric = HEADS[config.task].metric
    value = np.abs(answers - labels).mean() if config.task == "regression" else (answers == labels).mean()
    measures = {"loss": head.loss_on(config, features), metric: float(value)}
    return measures | (further_measures(labels, answers, config) if further else {})


def _finetune(run: _Run, verbose: bool, track: Sequence[str], workers: Workers) -> None:
    """Train the whole network from the head's run on, and write the run again."""
    about = run.backbone.about

    def assign(network: keras.Model) -> None:
        """Assign what the head's run has; of a training that continues, everything comes from its checkpoint."""
        if (run.folder / CHECKPOINT_FILE).exists():
            return
        of_head = CnnModel.from_pretrained(run.folder).network
        for weight, value in zip(network.weights, of_head.weights, strict=True):
            weight.assign(value)

    PlannedTraining(
        run.data,
        run.opened,
        run.config,
        run.settings,
        run.folder,
        {"backbone": run.config.backbone},
        run.overrides,
        decisions=run.decisions,
        start=Start(assign, {"backbone": about.name, "weights": about.weights_sha256}),
        starting_point=about.model_copy(update={"frozen": False}),
    ).carry_out(verbose, track, workers)
