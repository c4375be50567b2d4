"""A failure leaves one line in the log and nothing in memory."""

import logging
from pathlib import Path
from traceback import clear_frames, extract_tb

logger = logging.getLogger("trazo")


def log_error(error: Exception) -> None:
    """Log what failed, and where, on one line."""
    frame = extract_tb(error.__traceback__)[-1]
    logger.error("%s in %s, line %s", repr(error)[:300], Path(frame.filename).name, frame.lineno)


def release_frames(error: BaseException | None) -> None:
    """Clear the traceback's frames, so that the error no longer keeps image arrays alive."""
    while error:
        clear_frames(error.__traceback__)
        error = error.__context__
