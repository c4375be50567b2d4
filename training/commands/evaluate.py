"""`evaluate`: measure a model on rows that it has not learned from."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model import CnnModel
from model.artifacts import CONFIG_FILE, EVALUATION_FILE
from model.folders import check_can_be_made
from model.io.locate import locate_model
from model.io.reports import write_report
from model.io.reports.evaluation import EvaluationReport
from model.io.weights import weights_hash
from training.config import DataConfig
from training.data.splits import one_config_per_dataset
from training.evaluation import metrics
from training.evaluation.learned import find_learned, inherit_options, read_training, report_unlearned_views
from training.evaluation.measured_rows import MeasuredRows, open_measured_rows
from training.evaluation.summary import summarize
from training.release.card import write_card

logger = logging.getLogger("trazo")


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
