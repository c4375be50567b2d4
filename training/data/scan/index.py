"""`SplitIndex`: what one pass over a split found in each of its rows."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from model.io.atomic import atomic_file
from model.preprocess.facts import FACTS

NO_IMAGE, NO_LABEL, NO_TARGET = "no image", "no label", "no label that is a finite number"
SAVED = ("content", "kinds", "kind", "labels", "has_image")


@dataclass(frozen=True, eq=False)
class SplitIndex:
    """The rows of a split, one entry each, in file order; about 17 bytes per row.

    Most rows of a dataset share size, format and range of values with others, so these are kept once.

    Attributes:
        content: uint64 (rows,): equal for equal images; 0 where it cannot be decoded or is missing.
        kinds: `FACTS` (n,): what else `image_facts` found, in the rows that differ; their content is 0.
        kind: uint32 (rows,): position in `kinds`.
        labels: int32 (rows,) class ids, −1 where missing; of a regression float32, NaN where missing.
        has_image: bool (rows,).
        problems: row id -> why its image cannot be decoded; rows without image or label are not listed.
        part: bool (rows,): the rows that count, if only a part of the split does; None for all. It is not saved.
    """

    content: np.ndarray
    kinds: np.ndarray
    kind: np.ndarray
    labels: np.ndarray
    has_image: np.ndarray
    problems: dict[int, str]
    part: np.ndarray | None = None

    @staticmethod
    def of(facts: np.ndarray, labels: np.ndarray, has_image: np.ndarray, problems: dict[int, str]) -> "SplitIndex":
        """Return the index of some rows.

        Args:
            facts: `FACTS` (rows,), all zero where the image is missing.
            labels: as the attribute.
            has_image: as the attribute.
            problems: as the attribute.
        """
        content = facts["content"].copy()
        others = facts.copy()
        others["content"] = 0
        # Bytes are compared faster than records, and by "S" alike, which ignores zeros at the end of both.
        _, first, kind = np.unique(others.view(f"S{FACTS.itemsize}"), return_index=True, return_inverse=True)
        return SplitIndex(content, others[first], kind.astype(np.uint32), labels, has_image, problems)

    @staticmethod
    def join(parts: Iterable["SplitIndex"], rows: int) -> "SplitIndex":
        """Return the rows of several parts in one; memory holds the whole and one part.

        Args:
            parts: at least one; their problems already have the row ids of the whole.
            rows: of all parts together.
        """
        kinds: list[np.ndarray] = []
        problems: dict[int, str] = {}
        row = known = 0
        whole: dict[str, np.ndarray] = {}
        for part in parts:
            for name in ("content", "kind", "labels", "has_image"):
                values = getattr(part, name)
                whole.setdefault(name, np.empty(rows, values.dtype))[row : row + part.rows] = values
            whole["kind"][row : row + part.rows] += np.uint32(known)
            row, known = row + part.rows, known + len(part.kinds)
            kinds.append(part.kinds)
            problems |= part.problems
            del part
        return SplitIndex(**whole, kinds=np.concatenate(kinds), problems=problems)

    @property
    def rows(self) -> int:
        """Number of rows of the split, usable or not."""
        return len(self.content)

    @property
    def facts(self) -> np.ndarray:
        """What `image_facts` found in each row, a new `FACTS` (rows,): twice the memory of the index itself."""
        facts = self.kinds[self.kind]
        facts["content"] = self.content
        return facts

    def distinct_facts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which facts some rows have, without their content, and how many rows have each.

        Args:
            rows: bool (rows,).

        Returns:
            (`FACTS` (n,), int64 (n,), each at least 1).
        """
        counts = np.bincount(self.kind[rows], minlength=len(self.kinds))
        return self.kinds[counts > 0], counts[counts > 0]

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

    def why_unusable(self, row: int) -> str:
        """Return why a row cannot be learned from."""
        if row in self.problems:
            return self.problems[row]
        if not self.has_image[row]:
            return NO_IMAGE
        return NO_LABEL if self.labels.dtype.kind == "i" else NO_TARGET

    @cached_property
    def fingerprint(self) -> str:
        """Hash of every image and label in file order: equal data has an equal one, wherever it is stored."""
        digest = hashlib.sha256(self.content.data)
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
        arrays = {name: getattr(self, name) for name in SAVED}
        arrays["problems"] = np.frombuffer(json.dumps(self.problems).encode(), np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)  # again: see `scan_split`
        with atomic_file(path) as file:
            np.savez(file, **arrays)

    @staticmethod
    def load(path: Path) -> "SplitIndex | None":
        """Read an index; None if there is none, or it is damaged or of another version."""
        try:
            with np.load(path, allow_pickle=False) as file:
                problems = {int(row): reason for row, reason in json.loads(file["problems"].tobytes()).items()}
                index = SplitIndex(**{name: file[name] for name in SAVED}, problems=problems)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return index if index.kinds.dtype == FACTS else None
