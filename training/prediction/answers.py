"""A file of answers that grows by whole batches and continues after its process was killed.

`answers.csv.partial` grows next to `answers.csv.progress`, which says for which model and images it is, and how many
rows and bytes of it are complete; what comes after those bytes is cut off before it continues. At the end it gets its
name and the progress is deleted.
"""

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from model.errors import CorruptFileError, TrazoError
from model.folders import check_can_be_made
from model.io.atomic import clear_leftovers, read_json, without_nan, write_json

ENDINGS = (".csv", ".jsonl")
# By which spreadsheets recognize a formula, at the start of a cell. In some countries a semicolon begins the next one.
FORMULA = r"(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
FORMULA_CELL = re.compile(rf"\s*{FORMULA}|[\t\r\n]")
FORMULA_INSIDE = re.compile(rf"([;\t\r\n]\s*){FORMULA}")

Answer = dict[str, Any]  # column -> text, number, bool or None


class AnswerFile:
    """Answers, one row per image; a context manager.

    Attributes:
        rows: that are complete, of this call and those before.
    """

    def __init__(self, path: Path, columns: Sequence[str], identity: dict[str, Any]) -> None:
        """Start a file, or continue one that was not finished.

        Args:
            path: ends in one of `ENDINGS`.
            columns: names, in their order.
            identity: what the answers depend on, as JSON values; a file for others is not continued.

        Raises:
            TrazoError: if the file is finished, or was started for something else.
        """
        check_answer_path(path)
        self._path, self._columns = path, list(columns)
        self._partial, self._progress = (path.with_name(path.name + end) for end in (".partial", ".progress"))
        self._identity = json.loads(json.dumps(identity))
        self.rows, self._bytes = self._read_progress()
        self._file: BinaryIO | None = None

    def __enter__(self) -> "AnswerFile":
        """Open the file behind the last complete batch."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(self._progress)
        self._file = open(self._partial, "r+b" if self._bytes else "wb")
        self._file.truncate(self._bytes)
        self._file.seek(self._bytes)
        if not self._bytes and self._path.suffix.lower() == ".csv":
            self._append(_csv_line([_harmless(name) for name in self._columns]))
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what is complete stays for the next call."""
        if self._file is not None:
            self._file.close()

    def add(self, answers: Sequence[Answer]) -> None:
        """Append the rows of a batch, completely or not at all."""
        is_csv = self._path.suffix.lower() == ".csv"
        self._append("".join(map(self._csv_row if is_csv else _json_line, answers)))
        assert self._file is not None
        os.fsync(self._file.fileno())
        self.rows += len(answers)
        write_json(self._progress, {"identity": self._identity, "rows": self.rows, "bytes": self._bytes})

    def finish(self) -> None:
        """Give the complete file its name."""
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._partial, self._path)
        self._progress.unlink(missing_ok=True)

    def _append(self, text: str) -> None:
        assert self._file is not None
        content = text.encode("utf-8", "replace")
        self._file.write(content)
        self._file.flush()
        self._bytes += len(content)

    def _csv_row(self, answer: Answer) -> str:
        return _csv_line([_cell(answer.get(name)) for name in self._columns])

    def _read_progress(self) -> tuple[int, int]:
        """Return how many rows and bytes are complete."""
        try:
            progress = read_json(self._progress) or {}
            identity, rows, size = (progress[name] for name in ("identity", "rows", "bytes"))
            changed = [name for name in self._identity if identity.get(name) != self._identity[name]]
            is_complete = self._partial.stat().st_size >= size
        except (CorruptFileError, FileNotFoundError, TypeError, AttributeError, KeyError):  # missing or damaged
            return 0, 0
        if changed:
            raise TrazoError(
                f"{self._partial} was started for {' and '.join(f'other {name}' for name in changed)}: delete it, or "
                "use another --output"
            )
        return (rows, size) if is_complete else (0, 0)


def check_answer_path(path: Path) -> None:
    """Refuse a path that cannot be written to, before any work.

    Raises:
        TrazoError: if there is such a file already, its ending is not one of `ENDINGS`, or its folder cannot be
            written.
    """
    if path.suffix.lower() not in ENDINGS:
        raise TrazoError(f"--output ends in {' or '.join(ENDINGS)}, not {path.suffix or path.name!r}")
    if path.exists():
        raise TrazoError(f"{path} exists: delete it, or use another --output")
    check_can_be_made(path.parent, "the folder of --output")


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _harmless(value) if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)


def _harmless(text: str) -> str:
    """Return text in which no spreadsheet finds a formula: where one would begin, there is an apostrophe."""
    text = FORMULA_INSIDE.sub(r"\1'", text)
    return f"'{text}" if FORMULA_CELL.match(text) else text


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)  # quotes and line ends of RFC 4180
    return line.getvalue()


def _json_line(answer: Answer) -> str:
    return json.dumps(without_nan(answer), ensure_ascii=False) + "\n"
