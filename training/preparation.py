"""What every training, search and study does first: open the data, check the settings, note what is learned from."""

from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from model import CnnConfig, __version__
from model.artifacts import DATA_FILE
from model.console import escape_controls
from model.errors import TrazoError
from model.heads import check_head, default_loss
from model.io.reports.inspection import DataReport
from model.logs import held_messages, log_once
from model.names import MAX_NAME_CHARS
from model.scaling import PixelHistogram
from training.augmentation.checks import check_augmentation
from training.augmentation.digit_variants import check_digits
from training.config import DataConfig, TrainConfig
from training.data.contents import CONTENTS_FILE, ChangedDataError, Contents, check_same_data
from training.data.inspection.report import keep_report
from training.data.inspection.text import short_lines
from training.data.label_facts import balance_weights, count_classes, fit_target_scaling
from training.data.splits import TrainingData, open_data
from training.data.statistics import pixel_histogram


def open_checked(
    data: DataConfig, settings: TrainConfig, folder: Path
) -> tuple[TrainingData, dict[str, Any], TrainConfig]:
    """Open the training data and refuse settings that do not suit it, before anything is written.

    Returns:
        (the data, the fields of CnnConfig that it decides, the settings with what follows from it).

    Raises:
        ChangedDataError: if the folder holds a run on other data; nothing else is reported then.
    """
    opened = open_for_run(data, settings, folder)
    return opened, *check_settings(opened, settings)


def open_for_run(data: DataConfig, settings: TrainConfig, folder: Path) -> TrainingData:
    """Open the training data, and refuse it if the folder holds a run on other data."""
    if (folder / CONTENTS_FILE).exists():
        with held_messages(unless=ChangedDataError):
            opened = open_data(data, settings.seed, settings.batch_size)
            check_same_data(folder, Contents.of(data, opened))
            return opened
    return open_data(data, settings.seed, settings.batch_size)


def rebatch(opened: TrainingData, batch_size: int) -> TrainingData:
    """Return the same data in batches of another size."""
    if opened.train.batch_size == batch_size:
        return opened
    validation = opened.validation.rebatch(batch_size).cached()
    return replace(opened, train=opened.train.rebatch(batch_size), validation=validation)


def check_settings(opened: TrainingData, settings: TrainConfig) -> tuple[dict[str, Any], TrainConfig]:
    """Refuse settings that do not suit the data; return what `open_checked` does, without the data."""
    check_head(opened.train.task, settings.loss or default_loss(opened.train.task))
    check_augmentation(settings, opened.train.task, opened.train.labels)
    if settings.outliers:
        check_digits(opened.train.labels, "--outliers draws what is none of")
    config_fields = {
        "labels": opened.train.labels,
        "task": opened.train.task,
        "image_shape": opened.image_shape,
        "pixel_format": asdict(opened.pixel_format),
    }
    if opened.train.task == "regression":
        config_fields["target_scaling"] = asdict(fit_target_scaling(opened, settings.loss))
    if settings.class_weights:
        settings = replace(settings, class_weight_values=_class_weights(opened))
    return config_fields, settings


def keep_data(found: DataReport, opened: TrainingData, folder: Path) -> None:
    """Write data.json and log its short form."""
    found.plan.batch_size, found.plan.batches = opened.train.batch_size, len(opened.train)
    log_data(keep_report(found, folder / DATA_FILE))


def log_data(found: DataReport) -> None:
    """Log the short form of data.json."""
    for line in short_lines(found):
        log_once(line)


def _class_weights(opened: TrainingData) -> tuple[float, ...]:
    if opened.train.task == "regression":
        raise TrazoError("--class-weights is for classes: the labels are numbers, and the task is a regression")
    counts = count_classes(opened)
    if counts is None:
        raise TrazoError("--class-weights needs the rows of each class, which are not counted with --no-scan")
    weights = balance_weights(counts)
    low, high = min(weights), max(weights)
    log_once(f"weight of a row in the loss: {low:.3g} for the most common class to {high:.3g} for the rarest")
    return weights


def keep_contents(data: DataConfig, opened: TrainingData, folder: Path) -> None:
    """Make the run's folder, and write to it what is learned from."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / CONTENTS_FILE).exists():
        Contents.of(data, opened).save(folder / CONTENTS_FILE)


def read_histogram(data: TrainingData, folder: Path) -> PixelHistogram:
    """Return the histogram of the training images' pixels, which is kept in the run's folder."""
    return pixel_histogram(data.train, data.image_shape, folder / "pixels.json", data.pixel_format)


def make_config(data: DataConfig, config_fields: dict[str, Any], settings: TrainConfig) -> CnnConfig:
    """Return the config of a network from its fields; loss, title and versions are added."""
    return CnnConfig(
        **config_fields,
        loss=settings.loss,
        title=_title(data.dataset),
        versions={"trazo": __version__} | {name: version(name) for name in ("tensorflow", "keras")},
    )


def _title(dataset: str) -> str:
    # Only the name of a local folder: its path is private.
    name = Path(dataset).resolve().name if Path(dataset).exists() else dataset
    return f"Trazo on {escape_controls(name, kept='')}"[:MAX_NAME_CHARS]
