"""What the further workers of a training do: they learn from the first one what is trained, and train with it."""

import json
import logging
from dataclasses import asdict

from model import CnnConfig
from model.errors import TrazoError
from training.config import DataConfig, TrainConfig
from training.data.splits import open_data
from training.loop.cluster import WorkerLostError
from training.loop.trainer import fit
from training.loop.workers import Workers

logger = logging.getLogger("trazo")


def announce(config: CnnConfig, settings: TrainConfig, workers: Workers) -> None:
    """In the first worker, say what is trained, before `fit`.

    The first one alone prepares a training: it scans the dataset, decides, and measures. What it scans is kept for the
    others on its machine.

    Args:
        config: of the network.
        settings: how it is trained.
        workers: that train together; with one, nothing happens.
    """
    if workers.size > 1:
        logger.info("%d workers train together, of which this is the first", workers.size)
    workers.broadcast(json.dumps([config.to_json(), asdict(settings)]).encode())


def follow(data: DataConfig, workers: Workers) -> None:
    """In any other worker, train with the first one. Nothing is written.

    Args:
        data: which rows.
        workers: that train together.

    Raises:
        TrazoError: if something fails in this worker; the text names it.
    """
    try:
        config_text, values = json.loads(workers.broadcast(b""))
        config, settings = CnnConfig.from_json(config_text), TrainConfig(**values)
        opened = open_data(data, settings.seed, settings.batch_size)
        fit(config, settings, opened.train, opened.validation, verbose=False, workers=workers)
    except WorkerLostError:
        raise
    except TrazoError as error:
        error.args = (f"worker {workers.rank + 1} of {workers.size}: {error}",)
        raise
