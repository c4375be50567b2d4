"""`study`: measure the choices of a network one at a time."""

from pathlib import Path

from training.config import DataConfig, StudyConfig, TrainConfig
from training.data.inspection.report import inspect_run
from training.preparation import keep_contents, keep_data, open_checked, read_histogram
from training.study.design import TRAINING, make_design
from training.study.space import StudySpace
from training.study.study import format_study, run_study


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
