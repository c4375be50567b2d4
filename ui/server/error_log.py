"""What fails leaves a line in the log, and nothing in memory."""

import sys
from pathlib import Path
from traceback import clear_frames, extract_tb


def log(error: Exception) -> None:
    """Write what failed, and where, on one line."""
    frame = extract_tb(error.__traceback__)[-1]
    print(f"{repr(error)[:300]} in {Path(frame.filename).name}, line {frame.lineno}", file=sys.stderr)


def release_frames(error: BaseException | None) -> None:
    """Let go of what the frames of an error hold: the pictures that were worked on, for as long as the error lives."""
    while error:
        clear_frames(error.__traceback__)
        error = error.__context__
