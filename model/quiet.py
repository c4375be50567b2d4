"""Keep the console clean while TensorFlow is imported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from model.keras_settings import report_other_backend


@contextmanager
def quiet() -> Iterator[None]:
    """Silence standard error while TensorFlow, or a module that uses it, is imported.

    TensorFlow 2.21 writes to standard error before it reads TF_CPP_MIN_LOG_LEVEL (tensorflow#100442), so the file
    descriptor itself is redirected. Python's exceptions are shown as usual, because they are printed later. The
    environment is restored: TensorFlow keeps the level that it found.

    Example:
        >>> with quiet():
        ...     import tensorflow as tf
    """
    report_other_backend()  # while it can be seen
    is_set = "TF_CPP_MIN_LOG_LEVEL" in os.environ
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        saved: int | None = os.dup(2)
    except OSError:  # the program was started without standard error
        saved = None
    if saved is not None:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 2)
        os.close(devnull)
    try:
        yield
    finally:
        if saved is not None:
            os.dup2(saved, 2)
            os.close(saved)
        if not is_set:
            os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
