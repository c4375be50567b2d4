"""The machine and the libraries that a run used, for its report."""

import os
import platform
from importlib.metadata import version
from typing import Any

from model import __version__

LIBRARIES = (
    "tensorflow",
    "keras",
    "keras-tuner",
    "datasets",
    "huggingface-hub",
    "numpy",
    "opencv-python-headless",
)


def describe_environment() -> dict[str, Any]:
    """Return the section `environment` of training.json: the machine, and the versions of Python and the libraries."""
    return {
        "trazo": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        **{name: version(name) for name in LIBRARIES},
    }
