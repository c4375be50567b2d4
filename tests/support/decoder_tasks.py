"""Functions that tests run in a decoder's process, and a decoder with little time."""

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from model.preprocess import cost
from ui.decoding import worker
from ui.i18n import UserError


def describe(pixels: np.ndarray) -> dict[str, Any]:
    return {"pid": os.getpid(), "nice": os.nice(0), "shape": pixels.shape, "sum": int(pixels.sum())}


def has_parent_with_opencv(_: np.ndarray) -> bool:
    return "cv2" in Path(f"/proc/{os.getppid()}/maps").read_text()


def wait_for(_: np.ndarray, file: Path) -> str:
    """Say that this is reached, and return when there is a file of this name."""
    file.with_suffix(".reached").touch()
    while not file.exists():
        time.sleep(0.005)
    return "done"


def refuse(_: np.ndarray) -> None:
    raise UserError("drawing_blank")


def fail(_: np.ndarray) -> None:
    raise OSError("no such thing")


def fill_memory(_: np.ndarray) -> int:
    return len(bytes(2 * cost.MAX_MEMORY_MB * 1_000_000))


def run_with_little_time(connections: list[Connection], *arguments: Any) -> None:
    """Run instead of `worker.run`."""
    cost.MAX_CPU_S = 0.05
    worker.run(connections, *arguments)
