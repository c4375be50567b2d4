"""Functions that tests run in the network's process, and faulty processes; without TensorFlow, which is slow."""

import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

from model.config import CnnConfig
from model.errors import ModelError
from ui.i18n import UserError
from ui.inference import worker

BARRIER = Barrier(3)

# --- Called with the network's `Explainer` ---


def get_folder(explainer: Any) -> Path | None:
    return explainer.model.folder


def get_pid(_: Any) -> int:
    return os.getpid()


def list_imported(_: Any, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in sys.modules]


def exit_when_three_call(_: Any) -> None:
    """Wait until three calls are here, then end the process."""
    BARRIER.wait(60)
    os._exit(9)


def fail(_: Any) -> None:
    raise OSError("no such thing")


def refuse(_: Any) -> None:
    raise UserError("drawing_blank")


def hang(*_: Any) -> Any:
    time.sleep(600)


# --- Run instead of `worker.run` ---


def run_without_network(connections: list[Connection], *arguments: Any) -> None:
    def load(folder: Path, config: CnnConfig) -> tuple[Any, None]:
        return SimpleNamespace(model=SimpleNamespace(folder=folder, config=config)), None

    worker.run(connections, *arguments, load=load)


def run_without_model(connections: list[Connection], *arguments: Any) -> None:
    def load(*_: Any) -> Any:
        raise ModelError("no model here")

    worker.run(connections, *arguments, load=load)


def run_at_second_start(connections: list[Connection], folder: Path, *arguments: Any) -> None:
    """End immediately at the first start."""
    mark = folder / "mark"
    if not mark.exists():
        mark.touch()
        os._exit(3)
    run_without_network(connections, folder, *arguments)


def run_loading_forever(connections: list[Connection], *arguments: Any) -> None:
    worker.run(connections, *arguments, load=hang)
