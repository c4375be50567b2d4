"""Where the messages of a program go.

Library code logs to `logging.getLogger("trazo")`. A program (the command line, the demo, a child process) calls
`log_to` once. Anyone who uses the library in another program sets up logging as usual.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from model.console import escape_controls

StreamName = Literal["stdout", "stderr"]


class CurrentStream(logging.Handler):
    """Write to `sys.stdout` or `sys.stderr` as it is at that moment, since programs and tests may replace it."""

    def __init__(self, name: StreamName) -> None:
        """Name the stream."""
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        show(self.format(record), self._name)


def show(text: str, stream: StreamName = "stdout", end: str = "\n") -> None:
    """Print a text now, without characters that command a terminal."""
    print(escape_controls(text), end=end, file=getattr(sys, stream), flush=True)


def log_to(stream: StreamName, level: int = logging.INFO) -> None:
    """Show the package's messages from a level up on a standard stream, as plain lines without time or level."""
    logger = logging.getLogger("trazo")
    logger.handlers = [CurrentStream(stream)]
    logger.setLevel(level)
    _logged.clear()


class _Holder(logging.Handler):
    """Keep records for later."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.records.append(record)


@contextmanager
def held_messages(unless: type[Exception]) -> Iterator[None]:
    """Show the package's messages only when the block ends; if it raises `unless`, drop them."""
    logger = logging.getLogger("trazo")
    handlers, holder = logger.handlers, _Holder()
    logger.handlers = [holder]
    try:
        yield
    except unless:
        holder.records.clear()
        raise
    finally:
        logger.handlers = handlers
        for record in holder.records:
            for handler in handlers:
                handler.handle(record)


_logged: set[str] = set()


def log_once(text: str, level: int = logging.INFO) -> None:
    """Log a text, unless it was logged since `log_to`: the steps of a run find out the same about its data."""
    if text not in _logged:
        _logged.add(text)
        logging.getLogger("trazo").log(level, text)
