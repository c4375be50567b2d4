"""The log: each event is one line that a visitor's text cannot break, and a failure leaves nothing in memory."""

import logging
from pathlib import Path
from traceback import clear_frames, extract_tb

from model.console import escape_controls
from model.logs import CurrentStream

MAX_LINE_CHARS = 500

logger = logging.getLogger("trazo")


class OneLineFormatter(logging.Formatter):
    """A message and the exception's text on one line; a visitor's line breaks and escape codes are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() + (f" ({error!r})" if error else "")
        return escape_controls(text, kept="")[:MAX_LINE_CHARS]


def log_libraries() -> None:
    """Show each warning of a library on one line. Python would print it, and a visitor's text in it, as it is."""
    handler = CurrentStream("stderr")
    handler.setLevel(logging.WARNING)
    handler.setFormatter(OneLineFormatter())
    handler.addFilter(lambda record: record.name != logger.name)  # which has a handler already
    logging.basicConfig(handlers=[handler])


def log_error(error: Exception) -> None:
    """Log what failed, and where, on one line, also if the error's text has several (pydantic's)."""
    frame = extract_tb(error.__traceback__)[-1]
    text = escape_controls(repr(error)[:300], kept="")
    logger.error("%s in %s, line %s", text, Path(frame.filename).name, frame.lineno)


def release_frames(error: BaseException | None) -> None:
    """Clear the traceback's frames, so that the error no longer keeps image arrays alive."""
    while error:
        clear_frames(error.__traceback__)
        error = error.__context__
