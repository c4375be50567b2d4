"""What Keras must be set to, read and decided without importing Keras, which takes seconds.

With another backend, data format or float type, the same weights would give other predictions, or an error.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from model.errors import TrazoError

BACKEND = "tensorflow"
# Keras reads these when it is imported, and TensorFlow the last one. The folder of KERAS_HOME holds a keras.json, valid
# for all programs of a person; without one, Keras would write it.
IMPORT_SETTINGS = {"KERAS_BACKEND": BACKEND, "KERAS_HOME": os.devnull}
DROPPED = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED", "TF_USE_LEGACY_KERAS")

logger = logging.getLogger("trazo")


def keras_home(environ: Mapping[str, str]) -> Path:
    """Return the folder in which Keras looks for its keras.json."""
    return Path(os.path.expanduser(environ.get("KERAS_HOME") or "~/.keras"))


def find_other_backend(environ: Mapping[str, str]) -> str | None:
    """Return which other backend the environment asks for, and where; None if it asks for none, or for TensorFlow's.

    Example:
        >>> find_other_backend({"KERAS_BACKEND": "jax"})
        "KERAS_BACKEND is 'jax'"
    """
    if name := environ.get("KERAS_BACKEND"):
        return None if name == BACKEND else f"KERAS_BACKEND is {name!r}"
    path = keras_home(environ) / "keras.json"
    try:
        name = json.loads(path.read_text(encoding="utf-8")).get("backend", BACKEND)
    except (OSError, ValueError, AttributeError):  # missing or damaged, and never used
        return None
    return None if name == BACKEND else f"{path} asks for the backend {name!r}"


@cache  # reported once, by the first of several places that import Keras
def report_other_backend() -> None:
    """Log that a backend which the environment asks for is not used."""
    if reason := find_other_backend(os.environ):
        logger.warning("%s; Trazo needs Keras with TensorFlow, and uses it", reason)


def check_backend(modules: Mapping[str, Any]) -> None:
    """Refuse a Keras that other code has already imported with another backend: it cannot be changed any more.

    Args:
        modules: `sys.modules`.

    Raises:
        TrazoError: if there is such a Keras.
    """
    config = modules.get("keras.src.backend.config")
    name = config.backend() if config else BACKEND
    if name != BACKEND:
        raise TrazoError(
            f"this program has imported Keras with the backend {name!r}, and Trazo needs {BACKEND!r}: "
            f"import Trazo first, or set KERAS_BACKEND={BACKEND}"
        )


def drop_failed_import(modules: MutableMapping[str, Any]) -> None:
    """Forget what an import of Keras that failed has left: it would keep the backend that was missing.

    TensorFlow tries to import Keras when it is imported, and ignores a failure.

    Args:
        modules: `sys.modules`; changed.
    """
    if "keras" not in modules:
        for name in [name for name in modules if name.startswith("keras.")]:
            del modules[name]


@contextmanager
def import_settings(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Set the environment that Keras and TensorFlow read when they are imported; it is restored afterwards."""
    before = {name: environ.get(name) for name in (*IMPORT_SETTINGS, *DROPPED)}
    for name in DROPPED:
        environ.pop(name, None)
    environ.update(IMPORT_SETTINGS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                environ.pop(name, None)
            else:
                environ[name] = value
