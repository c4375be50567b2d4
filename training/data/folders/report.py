"""What was found in a folder or archive: which images are used, and what is left out and why."""

import logging
from collections.abc import Iterable
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

logger = logging.getLogger("trazo")

MAX_EXAMPLES = 5  # names kept per reason
MAX_LISTED = 12  # classes or reasons in a line


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitContents(_Part):
    """The images of one split.

    Attributes:
        images: their number.
        classes: images per class, in the order of the ids; empty if the labels are in a metadata file.
    """

    images: int
    classes: dict[str, int] = Field(default_factory=dict)


class LeftOut(_Part):
    """Files that are not used for one reason.

    Attributes:
        reason: what they are and why they are not used, in words that a number follows.
        count: of files, or of folders where the reason names folders.
        examples: paths of some, relative to the folder.
    """

    reason: str
    count: int
    examples: tuple[str, ...] = ()


class FolderReport(_Part):
    """What was found in a folder or archive.

    Attributes:
        decision: how folders were understood, and the option that changes it, in one sentence.
        splits: contents of each split that has labels; none for folders that `datasets` reads.
        left_out: everything else, by reason.
        notes: what else to know, a sentence each.
    """

    decision: str
    splits: dict[str, SplitContents]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the report as a few lines of text."""
        contents = "; ".join(map(_describe_split, self.splits.items()))
        lines = [f"{self.decision}: {contents}" if contents else self.decision]
        if self.left_out:
            shown = [_describe_left_out(one) for one in self.left_out[:MAX_LISTED]]
            more = f"; {len(self.left_out) - MAX_LISTED} more reasons" if len(self.left_out) > MAX_LISTED else ""
            lines.append(f"not used: {'; '.join(shown)}{more}")
        return lines + list(self.notes)


@lru_cache(maxsize=1000)
def log_once(line: str) -> None:
    """Log a line, unless this process did so before: a folder is opened for each of its splits."""
    logger.info("%s", line)


class LeftOutCounter:
    """Counts files that are left out, by reason, and keeps some of their names."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def add(self, reason: str, name: str = "", count: int = 1) -> None:
        """Count a file that is left out."""
        self._counts[reason] = self._counts.get(reason, 0) + count
        examples = self._examples.setdefault(reason, [])
        if name and len(examples) < MAX_EXAMPLES:
            examples.append(name)

    def extend(self, others: Iterable[LeftOut]) -> None:
        """Count what others counted."""
        for other in others:
            self._counts[other.reason] = self._counts.get(other.reason, 0) + other.count
            examples = self._examples.setdefault(other.reason, [])
            examples += other.examples[: MAX_EXAMPLES - len(examples)]

    def remove(self, reason: str, name: str) -> None:
        """Undo one `add`."""
        self._counts[reason] = self._counts.get(reason, 0) - 1
        if name in self._examples.get(reason, ()):
            self._examples[reason].remove(name)
        if self._counts[reason] <= 0:
            del self._counts[reason]

    def total(self, reason: str) -> int:
        """Return how many files were counted for a reason."""
        return self._counts.get(reason, 0)

    def result(self) -> tuple[LeftOut, ...]:
        """Return the counts, in the order in which the reasons came up."""
        return tuple(LeftOut(reason=r, count=n, examples=tuple(self._examples[r])) for r, n in self._counts.items())


def list_some(names: Iterable[str], limit: int = MAX_LISTED) -> str:
    """Return names joined by commas; of many, the first ones and how many more there are."""
    all_names = list(names)
    more = f" and {len(all_names) - limit:,} more" if len(all_names) > limit else ""
    return ", ".join(all_names[:limit]) + more


def _describe_split(item: tuple[str, SplitContents]) -> str:
    name, contents = item
    classes = list_some(f"{label} {count:,}" for label, count in contents.classes.items())
    number = f"{len(contents.classes):,} classes: {classes}" if classes else "labels from the metadata"
    return f"{name} {contents.images:,} images ({number})"


def _describe_left_out(one: LeftOut) -> str:
    names = ", ".join(one.examples[:3]) + (" …" if one.count > len(one.examples[:3]) else "")
    return f"{one.reason}: {one.count:,}" + (f" ({names})" if one.examples else "")
