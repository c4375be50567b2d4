"""The whole state of a training in one safetensors file, written whole."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import PIL
import tensorflow as tf
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model.errors import CorruptFileError, TrazoError
from model.io.atomic import atomic_write

CODE = tuple(Path(__file__).parents[2] / name for name in ("model", "training"))
PACKAGES = (cv2, keras, np, PIL, tf)


def save_checkpoint(
    path: Path,
    networks: dict[str, keras.Model],
    optimizer: keras.optimizers.Optimizer,
    identity: dict[str, Any],
    progress: Any,
    best: list[np.ndarray] | None,
) -> None:
    """Write everything that a training needs to go on.

    Args:
        path: the file; replaced in one step.
        networks: name -> one whose variables are kept, the states of its dropout layers' random generators included.
        optimizer: its moments, step count and schedule position.
        identity: what the run is about, as JSON; another run's checkpoint is then not mistaken for this one's.
        progress: a dataclass that fits into JSON.
        best: the best weights so far, in the order of a network's `weights`.
    """
    # By position: the names of the random generators' states carry a count over the whole process.
    tensors = {f"{name}/{i}": v.numpy() for name, net in networks.items() for i, v in enumerate(net.variables)}
    tensors |= {f"optimizer/{i}": v.numpy() for i, v in enumerate(optimizer.variables)}
    tensors |= {f"best/{i}": value for i, value in enumerate(best or [])}
    state = json.dumps({"identity": identity, "progress": asdict(progress), "made_with": _made_with()})
    # safetensors wants arrays with at least contiguous memory; 0-d variables come as numpy scalars.
    atomic_write(
        path,
        save({k: np.ascontiguousarray(v).reshape(np.shape(v)) for k, v in tensors.items()}, {"state": state}),
    )


def load_checkpoint(
    path: Path,
    networks: dict[str, keras.Model],
    optimizer: keras.optimizers.Optimizer,
    identity: dict[str, Any],
    progress_type: type,
) -> tuple[Any, list[np.ndarray] | None]:
    """Fill networks and optimiser from a checkpoint; one that was made with other code or packages is told.

    Returns:
        (progress, best weights or None).

    Raises:
        CorruptFileError: when the file cannot be read.
        TrazoError: when it belongs to a run with other settings or data.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            state = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"{path} is no checkpoint of Trazo ({error}); delete it to start again") from None
    asked = json.loads(json.dumps(identity))
    if state["identity"] != asked:
        different = differences(state["identity"], asked)
        raise TrazoError(
            f"{path} belongs to a run with other settings ({', '.join(different)}); "
            "use another --output, or delete it to start again"
        )
    before = state.get("made_with", {})
    if changed := [name for name, now in _made_with().items() if before.get(name) != now]:
        names = ", ".join(changed)
        print(f"{path} was begun with another version of {names}: a new start may end with other weights", flush=True)
    for name, network in networks.items():
        for index, variable in enumerate(network.variables):
            variable.assign(tensors[f"{name}/{index}"])
    for index, variable in enumerate(optimizer.variables):
        variable.assign(tensors[f"optimizer/{index}"])
    best = [tensors[f"best/{i}"] for i in range(sum(name.startswith("best/") for name in tensors))] or None
    return progress_type(**state["progress"]), best


@cache
def _made_with() -> dict[str, str]:
    """Return what the bits of a training hang on beside its settings: this project's code, and packages."""
    digest = hashlib.sha256()
    for file in sorted(path for package in CODE for path in package.rglob("*.py")):
        digest.update(file.read_bytes())
    return {"Trazo": digest.hexdigest()[:16]} | {package.__name__: package.__version__ for package in PACKAGES}


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """Return what differs between two nested dicts, one line a value: its path, the old and the new."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [d for key in keys for d in differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)]
    return [] if old == new else [f"{name}: {old!r} there, {new!r} asked"]
