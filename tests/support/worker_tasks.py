"""What tests have done in the network's process, and processes that are no good; without TensorFlow, for speed."""

import os
import time
from pathlib import Path
from threading import Barrier
from typing import Any

from model.errors import ModelError
from ui.inference import worker

ALL = Barrier(3)

# --- Of the network's `Explainer` ---


def folder_of(explainer: Any) -> Path | None:
    return explainer.model.folder


def process_of(_: Any) -> int:
    return os.getpid()


def end(_: Any) -> None:
    """Wait until three are here, then end the process."""
    ALL.wait(60)
    os._exit(9)


def trip(_: Any) -> None:
    raise OSError("no such thing")


def rest(_: Any) -> None:
    time.sleep(600)


# --- In place of `worker.run` ---


def without_network(*arguments: Any) -> None:
    worker.load = lambda *_: (None, None)
    worker.run(*arguments)


def without_model(*arguments: Any) -> None:
    def load(*_: Any) -> None:
        raise ModelError("no model here")

    worker.load = load
    worker.run(*arguments)


def at_the_second_time(lanes: Any, folder: Path, *further: Any) -> None:
    """End at once, the first time."""
    mark = folder / "mark"
    if not mark.exists():
        mark.touch()
        os._exit(3)
    without_network(lanes, folder, *further)


def loading_for_ever(*arguments: Any) -> None:
    worker.load = lambda *_: rest(None)
    worker.run(*arguments)
