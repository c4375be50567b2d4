"""Every option of the command line, declared once: `training.options` derives checks, parser and docs/cli.md."""

from training.config.data import LAYOUTS, DataConfig
from training.config.measuring import EvaluateConfig, InspectConfig, PredictConfig
from training.config.release import CacheConfig, DeployConfig, ExportConfig, PublishConfig
from training.config.runs import TRACKERS, OutputConfig, RemoteConfig
from training.config.search import (
    MAX_SEEDS,
    MIN_HYPERBAND_EPOCHS,
    STRATEGIES,
    TRIAL_OPTIONS,
    StudyConfig,
    TrialsConfig,
    TuneConfig,
)
from training.config.training import SCHEDULES, PresetConfig, TrainConfig, TransferConfig, WorkersConfig

__all__ = [
    "LAYOUTS",
    "MAX_SEEDS",
    "MIN_HYPERBAND_EPOCHS",
    "SCHEDULES",
    "STRATEGIES",
    "TRACKERS",
    "TRIAL_OPTIONS",
    "CacheConfig",
    "DataConfig",
    "DeployConfig",
    "EvaluateConfig",
    "ExportConfig",
    "InspectConfig",
    "OutputConfig",
    "PredictConfig",
    "PresetConfig",
    "PublishConfig",
    "RemoteConfig",
    "StudyConfig",
    "TrainConfig",
    "TransferConfig",
    "TrialsConfig",
    "TuneConfig",
    "WorkersConfig",
]
