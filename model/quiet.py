"""A clean console while TensorFlow is imported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Import TensorFlow, and what imports it, inside this.

    TensorFlow 2.21 greets on standard error before it looks at TF_CPP_MIN_LOG_LEVEL (tensorflow#100442), so the
    descriptor itself is turned away meanwhile; Python's exceptions are shown as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
