"""`SplitIndex`: what one pass over a split found in each of its rows."""

import hashlib
import json
import zipfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from model.io.atomic import atomic_file
from model.preprocess.facts import FACTS


@dataclass(frozen=True, eq=False)
class SplitIndex:
    """The rows of a split, one entry each, in file order.

    Attributes:
        facts: `FACTS` (rows,): what `image_facts` found; all zero where an image is missing or cannot be decoded.
        labels: int32 (rows,) class ids, −1 where missing; of a regression float32, NaN where missing.
        problems: row id -> why its image cannot be decoded; rows without image or label are not listed.
        has_image: bool (rows,).
        part: bool (rows,): the rows that count, if only a part of the split does; None for all. It is not saved.
    """

    facts: np.ndarray
    labels: np.ndarray
    has_image: np.ndarray
    problems: dict[int, str]
    part: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """Number of rows of the split, usable or not."""
        return len(self.facts)

    @property
    def in_part(self) -> np.ndarray:
        """Which rows count, bool (rows,)."""
        return np.ones(self.rows, bool) if self.part is None else self.part

    @property
    def has_label(self) -> np.ndarray:
        """Which rows have a label, bool (rows,)."""
        return self.labels >= 0 if self.labels.dtype.kind == "i" else np.isfinite(self.labels)

    @cached_property
    def readable(self) -> np.ndarray:
        """Which of the rows that count have an image that can be decoded, bool (rows,)."""
        readable = self.has_image & self.in_part
        readable[list(self.problems)] = False
        return readable

    @property
    def usable(self) -> np.ndarray:
        """Which rows can be learned from: an image that can be decoded, and a label; bool (rows,)."""
        return self.readable & self.has_label

    @cached_property
    def fingerprint(self) -> str:
        """Hash of every image and label in file order: equal data has an equal one, wherever it is stored."""
        digest = hashlib.sha256(np.ascontiguousarray(self.facts["content"]).data)
        digest.update(self.labels.data)
        return digest.hexdigest()[:16]

    def class_counts(self, classes: int) -> np.ndarray:
        """Return the number of usable rows of each class, int64 (classes,)."""
        return np.bincount(self.labels[self.usable], minlength=classes)

    # --- A part of the rows ---

    def select(self, keep: np.ndarray) -> "SplitIndex":
        """Return this index with only some of its rows counting.

        Args:
            keep: bool (rows,).
        """
        return replace(self, part=keep & self.in_part)

    # --- On disk ---

    def save(self, path: Path) -> None:
        """Write the index to an .npz file, completely or not at all.

        Raises:
            OSError: if it cannot be written.
        """
        problems = np.frombuffer(json.dumps(self.problems).encode(), np.uint8)
        with atomic_file(path) as file:
            np.savez(file, facts=self.facts, labels=self.labels, has_image=self.has_image, problems=problems)

    @staticmethod
    def load(path: Path) -> "SplitIndex | None":
        """Read an index; None if there is none, or it is damaged or of another version."""
        try:
            with np.load(path, allow_pickle=False) as file:
                problems = {int(row): reason for row, reason in json.loads(file["problems"].tobytes()).items()}
                index = SplitIndex(file["facts"], file["labels"], file["has_image"], problems)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return index if index.facts.dtype == FACTS else None

    @staticmethod
    def concat(parts: "list[SplitIndex]") -> "SplitIndex":
        """Return the rows of several parts in one; their problems already have the row ids of the whole."""
        problems = {row: reason for part in parts for row, reason in part.problems.items()}
        return SplitIndex(
            np.concatenate([part.facts for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.has_image for part in parts]),
            problems,
        )
