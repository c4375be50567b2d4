"""What a training leaves in its folder: the weights, training.json and the card."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from model import CnnConfig, CnnModel
from model.artifacts import TRAINING_FILE
from model.io.reports import write_report
from model.io.reports.training import StartingPoint, TrainingReport
from training.config import DataConfig, TrainConfig
from training.data.label_facts import count_classes
from training.data.provenance import data_section
from training.data.splits import TrainingData
from training.environment import describe_environment
from training.evaluation.summary import summarize_validation
from training.loop.state import Progress
from training.release.card import write_card

N = TypeVar("N", int, float)

logger = logging.getLogger("trazo")


def log_validation(best: Mapping[str, float], opened: TrainingData, config: CnnConfig) -> None:
    """Log how good the epoch that is kept is on validation.

    Args:
        best: its row of the history.
        opened: the data.
        config: of the network.
    """
    for line in summarize_validation(best, opened.validation.usable_rows, _class_rows(config, opened)):
        logger.info(line)


def describe_training(
    data: DataConfig,
    opened: TrainingData,
    config: CnnConfig,
    settings: TrainConfig,
    progress: Progress,
    *,
    parameters: int,
    hyperparameters: Mapping[str, Any],
    overrides: Mapping[str, Any],
    preset: str | None = None,
    decisions: Sequence[str] = (),
    starting_point: StartingPoint | None = None,
) -> TrainingReport:
    """Return training.json.

    Args:
        data: which rows were asked for.
        opened: which there are.
        config: of the network.
        settings: how it was trained.
        progress: at the end.
        parameters: of the network.
        hyperparameters: every setting of the training and of the network.
        overrides: settings of the training that the user gave.
        preset: that network and recipe come from.
        decisions: what was decided from the data and why, a sentence each.
        starting_point: whose weights the training started from.
    """
    return TrainingReport.build(
        data=data_section(opened.train, opened.validation),
        preset=preset,
        decisions=list(decisions),
        hyperparameters=dict(hyperparameters),
        history=progress.history,
        best_epoch=progress.best_epoch,
        stopped_early=len(progress.history) < settings.epochs,
        seed=settings.seed,
        seconds=round(progress.seconds, 1),
        ended=progress.ended,
        parameters=parameters,
        environment=describe_environment(),
        class_rows=_class_rows(config, opened),
        class_weights=_by_class(config, settings.class_weight_values or None),
        starting_point=starting_point.to_dict() if starting_point else None,
        options={"data": _changed_options(data), "training": dict(overrides)},
    )


def write_run(folder: Path, cnn: CnnModel, report: TrainingReport) -> None:
    """Write the weights, training.json and the card.

    If the process is killed in between, the same command finds the training finished and writes them again.
    """
    cnn.save_pretrained(folder)
    write_report(folder / TRAINING_FILE, report)
    write_card(folder)


def hyperparameter_values(settings: TrainConfig) -> dict[str, Any]:
    """Return every setting of a training; the weights of the classes have a separate field in the report."""
    return {name: value for name, value in asdict(settings).items() if name != "class_weight_values"}


def _class_rows(config: CnnConfig, opened: TrainingData) -> dict[str, int] | None:
    return _by_class(config, count_classes(opened)) if config.task != "regression" else None


def _by_class(config: CnnConfig, values: Sequence[N] | None) -> dict[str, N] | None:
    return None if values is None else dict(zip(config.labels, values, strict=True))


def _changed_options(data: DataConfig) -> dict[str, Any]:
    """Return the options of the data that differ from their defaults, without the datasets, which the report names."""
    named = ("dataset", "extra_datasets", "sketches", "revision")
    chosen = {f.name: getattr(data, f.name) for f in fields(data) if f.name not in named}
    default = DataConfig(data.dataset)
    return {name: value for name, value in chosen.items() if value != getattr(default, name)}
