"""The machine and the libraries that a run used, for its report."""

import csv
import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any

from model.backend import tf

from model import __version__

NVIDIA_SMI_S = 10
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
        **describe_gpus(),
        **{name: version(name) for name in LIBRARIES},
    }


def describe_gpus() -> dict[str, Any]:
    """Return `gpus`, the names of those that TensorFlow uses, and `gpu_watts`, their power limits in W together.

    Without a GPU both are left out; without nvidia-smi, which knows the limits, the second.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return {}
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    about = {"gpus": ", ".join(names)}
    command = ["nvidia-smi", "--query-gpu=name,power.limit", "--format=csv,noheader,nounits"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=NVIDIA_SMI_S, check=True).stdout
        limits = {name: float(limit) for name, limit in csv.reader(listed.splitlines(), skipinitialspace=True)}
        return about | {"gpu_watts": sum(limits[name] for name in names)}
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):  # another maker, or a limit that is not known
        return about
