"""What the demo takes over time, and whether that stays flat."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import mean
from threading import Event, Thread

from benchmarks.processes import descriptors, family, pss, threads

PERIOD_S = 2


@dataclass(frozen=True)
class Sample:
    """What all processes of the demo, and its temporary folder, take at one time."""

    memory_mb: float  # proportional set sizes
    descriptors: float
    files: float
    files_mb: float
    processes: float
    threads: float


class Sampler:
    """Takes a sample every few seconds until it is stopped.

    Attributes:
        samples: so far, each with its time on `time.monotonic`.
    """

    def __init__(self, pid: int, folder: Path) -> None:
        """Start.

        Args:
            pid: of the demo.
            folder: its temporary folder.
        """
        self.samples: list[tuple[float, Sample]] = []
        self._stopped = Event()
        self._thread = Thread(target=self._run, args=(pid, folder))
        self._thread.start()

    def stop(self) -> None:
        """Wait for the last sample."""
        self._stopped.set()
        self._thread.join()

    def _run(self, pid: int, folder: Path) -> None:
        while not self._stopped.wait(PERIOD_S):
            self.samples.append((time.monotonic(), take_sample(pid, folder)))


def take_sample(pid: int, folder: Path) -> Sample:
    """Return what a process, all below it and a folder take now."""
    pids = family(pid)
    sizes = [size for place, _, names in os.walk(folder) for name in names if (size := _size(f"{place}/{name}")) >= 0]
    return Sample(
        sum(map(pss, pids)),
        sum(map(descriptors, pids)),
        len(sizes),
        sum(sizes) / 1e6,
        len(pids),
        sum(map(threads, pids)),
    )


def average(samples: Sequence[Sample]) -> Sample:
    """Return the mean of each figure."""
    return Sample(*(mean(getattr(sample, field.name) for sample in samples) for field in fields(Sample)))


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # deleted meanwhile
        return -1
