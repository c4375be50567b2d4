"""A training whose data, network and recipe are decided: take its steps, and write what it leaves."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import CnnConfig
from model.artifacts import CHECKPOINT_FILE
from model.io.reports.training import StartingPoint
from model.words import counted
from training.config import DataConfig, TrainConfig
from training.data.splits import TrainingData
from training.evaluation.calibration import calibrate
from training.follow import announce
from training.loop.trainer import Start, fit
from training.loop.workers import Workers
from training.run_report import describe_training, hyperparameter_values, log_validation, write_run
from training.tracking.run import RunLabel
from training.tracking.tracking import Tracking

MIN_STEPS = 200  # with fewer, a network of any preset has hardly changed

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class PlannedTraining:
    """Everything that is decided before the first step.

    Attributes:
        data: which rows were asked for.
        opened: which there are.
        config: of the network.
        settings: how it is trained.
        folder: of the run.
        network: what the reports say of the network, by name.
        overrides: settings of the training that the user gave.
        preset: that network and recipe come from; None for another source.
        decisions: what was decided from the data and why, a sentence each.
        start: the weights at the start; None for fresh ones.
        starting_point: whose they are.
    """

    data: DataConfig
    opened: TrainingData
    config: CnnConfig
    settings: TrainConfig
    folder: Path
    network: dict[str, Any]
    overrides: dict[str, Any]
    preset: str | None = None
    decisions: tuple[str, ...] = ()
    start: Start | None = None
    starting_point: StartingPoint | None = None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Every setting of the network and of its training, for the reports."""
        of_config = {"scaling": self.config.scaling.method, "loss": self.config.loss}
        return hyperparameter_values(self.settings) | self.network | of_config

    def report_short(self) -> None:
        """Log that there are too few steps to learn from, unless the training has started."""
        steps_of_epoch = min(len(self.opened.train), self.settings.steps_per_epoch or len(self.opened.train))
        steps, patience = self.settings.epochs * steps_of_epoch, self.settings.patience
        if steps >= MIN_STEPS or (self.folder / CHECKPOINT_FILE).exists():
            return
        message = f"only {counted(steps, 'step')} of training: use more --epochs, or a smaller --batch-size"
        if patience < self.settings.epochs:
            message += f"; it stops after {counted(patience, 'epoch')} without a better validation loss (--patience)"
        logger.info(message)

    def carry_out(self, verbose: bool, track: Sequence[str], workers: Workers) -> None:
        """Train, or continue, and write the model, training.json and the card.

        Args:
            verbose: show progress.
            track: trackers that the training is reported to.
            workers: that train together, of which this is the first.
        """
        announce(self.config, self.settings, workers)
        with Tracking(track, RunLabel(self.folder, "training", self.hyperparameters)) as tracking:
            trained, progress = fit(
                self.config,
                self.settings,
                self.opened.train,
                self.opened.validation,
                start=self.start,
                checkpoint=self.folder / CHECKPOINT_FILE,
                on_epoch=lambda progress: tracking.write(progress.history),
                verbose=verbose,
                workers=workers,
            )
        if progress.epoch < self.settings.epochs:
            logger.info(
                "stopped after epoch %d of %d: none was better since %d",
                progress.epoch,
                self.settings.epochs,
                progress.best_epoch,
            )
        log_validation(progress.history[progress.best_epoch - 1], self.opened, self.config)
        report = describe_training(
            self.data,
            self.opened,
            self.config,
            self.settings,
            progress,
            parameters=trained.count_params(),
            hyperparameters=self.hyperparameters,
            overrides=self.overrides,
            preset=self.preset,
            decisions=self.decisions,
            starting_point=self.starting_point,
        )
        knows_outliers = self.settings.outliers > 0
        calibrated = calibrate(self.config, trained, self.opened.train, self.opened.validation, knows_outliers)
        write_run(self.folder, calibrated, report)
