"""A split that was opened and, unless that is switched off, scanned."""

from dataclasses import dataclass

import numpy as np

from training.data.columns import LabeledSource
from training.data.scan.index import SplitIndex


@dataclass(frozen=True, eq=False)
class ScannedSplit:
    """One split of one dataset, and what the scan found in it.

    Attributes:
        labeled: the whole split.
        index: None without a scan.
        problem: why it can be neither trained on nor measured on; None if it can.
        other_classes: names of its classes that the split to train on does not have.
    """

    labeled: LabeledSource
    index: SplitIndex | None
    problem: str | None = None
    other_classes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the split."""
        return self.labeled.source.split

    @property
    def rows(self) -> int:
        """Number of its rows that belong to the data; without `--classes` or `--max-rows` all."""
        return self.labeled.source.table.total if self.index is None else int(self.index.in_part.sum())

    @property
    def is_regression(self) -> bool:
        """Whether its labels are numbers to predict."""
        return self.labeled.task == "regression"

    def row_name(self, row: int) -> str:
        """Return what to call a row: its number, and its file where the dataset names it."""
        return self.labeled.row_name(int(row))

    def label_name(self, row: int) -> str:
        """Return a row's label in words; empty if it has none, or was not scanned."""
        if self.index is None or not self.index.has_label[row]:
            return ""
        label = self.index.labels[row]
        return f"{label:g}" if self.is_regression else self.labeled.labels[label]

    def usable(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return which rows are usable and, if given, in `rows`; bool (rows of the split,)."""
        assert self.index is not None
        return self.index.usable if rows is None else self.index.usable & rows
