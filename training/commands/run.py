"""`run`: tune, train and evaluate; what is finished is skipped."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.artifacts import CHECKPOINT_FILE, EVALUATION_FILE
from model.errors import TrazoError
from model.io.reports.evaluation import EvaluationReport
from model.io.weights import matches_weights
from training.commands.evaluate import evaluate
from training.commands.train import FRESH, train
from training.commands.tune import tune
from training.config import DataConfig, TrainConfig, TransferConfig, TuneConfig
from training.data.contents import CONTENTS_FILE, Contents
from training.data.image_shape import sample_facts
from training.data.inspection.report import inspect_run
from training.data.splits import HELD_OUT, TrainingData, one_config_per_dataset, open_stream
from training.evaluation.measured_rows import MeasuredRows, open_measured_rows
from training.preparation import log_data, open_checked
from training.transfer.start import StartingModel
from training.transfer.train import with_images_for_start, without_preset
from training.tuning.distributed import detect_role
from training.tuning.plan import NoTimeError, RunClock

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
    clock = RunClock(search.minutes, folder, "epochs" in overrides)
    starting = StartingModel(transfer.start_from) if transfer.start_from else None
    data = with_images_for_start(data, overrides, transfer, folder, starting)
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
    train(data, overrides, folder, track=track, found=found, clock=clock, transfer=transfer, starting=starting)
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


def _open_measured(data: DataConfig, opened: TrainingData, folder: Path) -> list[MeasuredRows]:
    """Open the test rows of every dataset, and refuse what cannot be measured."""
    learned = Contents.load(folder / CONTENTS_FILE) or Contents.of(data, opened)
    measured = [
        open_measured_rows(one, opened.train.labels, opened.train.task, learned) for one in one_config_per_dataset(data)
    ]
    for rows in measured if data.no_scan else []:
        sample_facts(rows.stream)
    return measured
