"""Where the messages of a program go.

Library code logs to `logging.getLogger("trazo")`. A program (the command line, the demo, a child process) calls
`log_to` once. Anyone who uses the library in another program sets up logging as usual.
"""

import logging
import sys
from typing import Literal


class _CurrentStream(logging.Handler):
    """Write to `sys.stdout` or `sys.stderr` as it is at that moment, since programs and tests may replace it."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        print(self.format(record), file=getattr(sys, self._name), flush=True)


def log_to(stream: Literal["stdout", "stderr"]) -> None:
    """Show the package's messages from INFO up on a standard stream, as plain lines without time or level."""
    logger = logging.getLogger("trazo")
    logger.handlers = [_CurrentStream(stream)]
    logger.setLevel(logging.INFO)
