"""What each contender of `benchmarks.stream` gets and returns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

BATCH = 128
SHAPE = (28, 28, 1)


@dataclass(frozen=True)
class Setting:
    """Where a contender finds the images."""

    dataset: str  # id on the Hub of the environment
    data: Path  # the same files in a folder
    converted: Path  # a folder for a copy in the contender's own format; not there yet
    shape: tuple[int, int, int] = SHAPE  # that the images are brought to


Batches = Iterable[tuple[Any, Any]]  # (images, labels (n,))
Epochs = Callable[[range], Batches]  # numbers of epochs -> their batches, one epoch after another


def one_by_one(open: Callable[..., Callable[[int], Batches]]) -> Callable[..., Epochs]:
    """Turn a function that opens one epoch into one that opens several in a row."""

    @wraps(open)
    def opened(*arguments: object, **named: object) -> Epochs:
        epoch = open(*arguments, **named)
        return lambda numbers: chain.from_iterable(map(epoch, numbers))

    return opened


@dataclass(frozen=True)
class Contender:
    """One line of the table."""

    title: str
    yields: str  # what a batch is, and in which order the rows come
    open: Callable[[Setting], Epochs]  # not timed
    threads: int = 1  # that decode, or processes
    convert: Callable[[Setting], None] | None = None  # timed once
    needs: tuple[str, ...] = ()  # modules of benchmarks/requirements.txt


def read_rows(data: Path) -> tuple[list[bytes], np.ndarray]:
    """Return the encoded images of the training split and their labels, int64 (n,)."""
    table = pq.read_table(sorted(data.rglob("train-*.parquet")))
    return [image["bytes"] for image in table["image"].to_pylist()], table["label"].to_numpy()
