"""Standard output and standard error that no text and no reader can break.

A training must not end because a character cannot be printed, or because `| head` has read enough.
"""

import io
import os
import sys
from typing import TextIO

KEPT = "\n\t"
# What joins letters in Persian and emoji, and spaces of other widths: unlike other unprintable characters it is text.
JOINERS = "\u200c\u200d\u00a0\u202f\u3000"


def escape_controls(text: str, kept: str = KEPT) -> str:
    """Return a text whose unprintable characters are escaped.

    Names of files, classes and columns come from other people. An escape code in one would command the terminal that
    shows it; a character that turns the direction of writing would hide what it says.

    Args:
        text: any text.
        kept: characters that are left as they are.

    Example:
        >>> escape_controls("cat\\x1b[2J")
        'cat\\\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else repr(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return a text without line breaks, control characters and changes of the writing direction, which are escaped.

    For names in documents and on pages, where each medium then escapes its own markup.
    """
    return escape_controls(text, kept=JOINERS)


def set_up_console() -> None:
    """Make this process' standard streams safe; for programs and child processes, which call it once at their start.

    What the console's encoding lacks is escaped. What cannot be written, for lack of a reader or of room on the disk,
    is dropped.
    """
    _open_missing_descriptors()
    sys.stdout = _safe_stream(sys.stdout, 1)
    sys.stderr = _safe_stream(sys.stderr, 2)


def _open_missing_descriptors() -> None:
    """Open the null device for each of standard input, output and error that the process was started without.

    Otherwise the next file that is opened would get its number, and everything that is printed.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)


def _safe_stream(stream: TextIO | None, descriptor: int) -> TextIO:
    if isinstance(stream, io.TextIOWrapper) and sys.platform == "win32":  # its consoles are not plain files
        stream.reconfigure(errors="backslashreplace")
        return stream
    if stream is not None and not isinstance(stream, io.TextIOWrapper):  # a notebook's
        return stream
    written = io.BufferedWriter(_ForgivingFile(descriptor, "wb", closefd=False))
    if stream is None:
        return io.TextIOWrapper(written, "utf-8", "backslashreplace")
    return io.TextIOWrapper(
        written,
        stream.encoding,
        "backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _ForgivingFile(io.FileIO):
    """A file that drops what it cannot write."""

    def write(self, data) -> int:  # noqa: ANN001 - any buffer
        """Write bytes, or drop them."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes
