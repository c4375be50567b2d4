"""Rows that could not be used, and what to do with them."""

from collections.abc import Callable

from model.errors import StreamError, TrazoError
from model.words import counted


class SkipLog:
    """The rows that were skipped, with the reason; shared by all streams that were split from one.

    Attributes:
        rows: row id -> reason.
    """

    def __init__(self, on_error: str = "skip") -> None:
        """Start an empty log.

        Args:
            on_error: "skip" records unusable rows, "raise" stops at the first.

        Raises:
            TrazoError: if `on_error` has another value.
        """
        if on_error not in ("skip", "raise"):
            raise TrazoError(f"on_error is skip or raise, not {on_error!r}")
        self.on_error = on_error
        self.rows: dict[int, str] = {}
        self._reported: set[int] = set()

    def add(self, row_id: int, reason: str, dataset: str, split: str) -> None:
        """Record an unusable row.

        Raises:
            StreamError: with on_error="raise".
        """
        if self.on_error == "raise":
            raise StreamError(f"row {row_id} of {dataset!r}, split {split!r}: {reason}")
        self.rows[int(row_id)] = reason

    def take_summary(self, split: str, file_name: Callable[[int], str] = lambda _: "") -> str:
        """Return one line about the rows that were skipped since the last call; empty if there are none.

        Args:
            split: its name.
            file_name: returns the name of a row's file, or nothing.
        """
        new = {row: reason for row, reason in sorted(self.rows.items()) if row not in self._reported}
        self._reported.update(new)
        if not new:
            return ""
        named = ((f"{row} {file_name(row)}".rstrip(), reason) for row, reason in list(new.items())[:10])
        shown = ", ".join(f"{row} ({reason})" for row, reason in named)
        return f"skipped {counted(len(new), 'row')} of {split}: {shown}" + (" …" if len(new) > 10 else "")
