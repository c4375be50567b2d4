"""What runs in a decoder's process: it decodes one image at a time, within limits, and applies a function to it.

A decoder is C code that works on untrusted bytes. It cannot be interrupted, only ended with its process. Nothing of
Gradio or TensorFlow is imported here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from model.logs import log_to
from model.preprocess.cost import is_out_of_memory, limited_cpu, limited_memory
from ui.edges import render  # noqa: F401 - loaded before the first image comes
from ui.i18n import UserError
from ui.server.error_log import log_error, release_frames
from ui.server.images import MAX_SMALL_MEGAPIXELS, check_upload, decode_upload, downscale
from ui.server.malloc import configure_trim


class Size(Enum):
    """Which images a process takes."""

    SMALL = "small"
    ANY = "any"


@dataclass(frozen=True)
class Task:
    """What a process is asked for.

    Attributes:
        source: a path, or the encoded bytes.
        function: of a module, called with the pixels, scaled down by `downscale`; None to ask for the megapixels.
        arguments: of the function, after the pixels.
        target: see `read_pixels`.
    """

    source: str | bytes
    function: Callable[..., Any] | None
    arguments: tuple[Any, ...] = ()
    target: tuple[int, int] | None = None


class Outcome(Enum):
    """How a task ended."""

    DONE = "done"
    REFUSED = "refused"  # with a `UserError`
    TOO_LARGE_HERE = "too large here"  # for a process that takes small images


Answer = tuple[Outcome, Any]


def run(connections: Sequence[Connection], size: Size, niceness: int) -> None:
    """Answer tasks until the page's process ends.

    Args:
        connections: one, to the page's process.
        size: of the images that this process takes.
        niceness: added to the process' own.
    """
    os.nice(niceness)
    log_to("stderr")
    configure_trim()
    with suppress(EOFError, OSError):  # the page's process has ended
        while True:
            connections[0].send(_answer(connections[0].recv(), size))


def _answer(task: Task, size: Size) -> Answer:
    try:
        with limited_memory():
            with limited_cpu():
                encoded = _read(task.source)
                kind, megapixels = check_upload(encoded)
                if task.function is None:
                    return Outcome.DONE, megapixels
                if size is Size.SMALL and megapixels > MAX_SMALL_MEGAPIXELS:
                    return Outcome.TOO_LARGE_HERE, None
                pixels = decode_upload(encoded, kind, task.target)
            del encoded
            return Outcome.DONE, task.function(downscale(pixels), *task.arguments)
    except Exception as error:
        return Outcome.REFUSED, _to_user_error(error)


def _read(source: str | bytes) -> bytes:
    try:
        return source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError:  # it was deleted in the meantime
        raise UserError("image_unreadable") from None


def _to_user_error(error: Exception) -> UserError:
    release_frames(error)
    if isinstance(error, UserError):
        return error
    if is_out_of_memory(error):
        return UserError("image_too_costly")
    log_error(error)
    return UserError("failed")
