"""What is known about the rows of a split, or of several datasets' splits together, before any row is read."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from datasets import Features

from model.errors import TrazoError
from training.data.folders.report import FolderReport
from training.data.order import RowGroups


class SplitNotFoundError(TrazoError):
    """A split that the dataset does not have; the text names those that it has."""


@dataclass(frozen=True)
class SplitInfo:
    """What is known about rows before they are read.

    Attributes:
        dataset: as it was requested; several are joined by " + ".
        config: name of the dataset's config; None for a folder of images, which has none.
        split: name of the split.
        splits: names of all splits.
        revision: the commit's hash on the Hub; None for a local folder, and for several datasets.
        features: the schema in the terms of `datasets`; with several datasets that of the first.
        table: the row groups.
        fingerprint: hash of file names, sizes and row groups; changes when the data is replaced.
        folder: of a folder or archive of images, what was found in it and what is left out; None for others.
    """

    dataset: str
    config: str | None
    split: str
    splits: tuple[str, ...]
    revision: str | None
    features: Features
    table: RowGroups
    fingerprint: str
    folder: FolderReport | None = field(default=None, kw_only=True)

    @property
    def row_bytes(self) -> float:
        """Mean size of a row in memory: uncompressed, unlike in the files; at least 1."""
        return max(1.0, float(self.table.bytes.sum() / self.table.total))


def concat_splits(infos: Sequence[SplitInfo]) -> SplitInfo:
    """Return what is known about several datasets together; the rows of each follow those of the one before."""
    first = infos[0]
    if len(infos) == 1:
        return first
    shards, tables = 0, []
    for info in infos:
        tables.append((info.table.shard + shards, info.table.group, info.table.rows, info.table.bytes))
        shards += int(info.table.shard.max()) + 1
    return SplitInfo(
        dataset=" + ".join(info.dataset for info in infos),
        config=first.config,
        split=first.split,
        splits=first.splits,
        revision=None,
        features=first.features,
        table=RowGroups(*map(np.concatenate, zip(*tables, strict=True))),
        fingerprint=hashlib.sha256(" ".join(info.fingerprint for info in infos).encode()).hexdigest()[:16],
    )
