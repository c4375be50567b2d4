"""The whole state of a training in one safetensors file, which is replaced in one step."""

import hashlib
import json
import logging
import time
from dataclasses import asdict
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any

from model.backend import keras, tf
import cv2
import numpy as np
import PIL
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from model import __version__
from model.errors import CorruptFileError, TrazoError
from model.io.atomic import atomic_write, clear_leftovers
from training.loop.state import Progress, TrainState
from training.loop.workers import Workers

logger = logging.getLogger("trazo")

SAVE_INTERVAL_S = 60.0
CODE_FOLDERS = tuple(Path(__file__).parents[2] / name for name in ("model", "training"))
MAX_DIFFERENCES = 3  # that a message names
MAX_DIFFERENCE_CHARS = 100
CONTENT_FIELDS = ("content", "fingerprint", "version")  # of a dataset's key
PACKAGES = (cv2, keras, np, PIL, tf)


class Checkpointer:
    """Saves a training's state from time to time, and restores it."""

    def __init__(self, path: Path | None, identity: dict[str, Any], save_every_s: float = SAVE_INTERVAL_S) -> None:
        """Set where and how often.

        Args:
            path: the file; None saves nothing.
            identity: what the run is about, as JSON, so that another run's checkpoint is not taken for this one's.
            save_every_s: seconds between two saves of `save_if_due`.
        """
        self._path, self._identity, self._save_every_s = path, identity, save_every_s
        self._saved_at = time.monotonic()

    def restore(self, state: TrainState) -> None:
        """Fill the state from the file, if there is one.

        Raises:
            CorruptFileError: if the file cannot be read.
            TrazoError: if it belongs to a run with other settings or data.
        """
        if self._path:
            clear_leftovers(self._path)
            if self._path.exists():
                load_checkpoint(self._path, state, self._identity)
        self._saved_at = time.monotonic()

    def save_if_due(self, state: TrainState) -> None:
        """Save the state if the last save was long enough ago."""
        if time.monotonic() - self._saved_at > self._save_every_s:
            state.count_seconds()
            self.save(state)

    def save(self, state: TrainState) -> None:
        """Save the state now."""
        if self._path:
            save_checkpoint(self._path, state, self._identity)
        self._saved_at = time.monotonic()


def save_checkpoint(path: Path, state: TrainState, identity: dict[str, Any]) -> None:
    """Write everything that a training needs to continue.

    Args:
        path: the file; replaced in one step.
        state: what is written.
        identity: what the run is about, as JSON.
    """
    atomic_write(path, state_to_bytes(state, identity))


def state_to_bytes(state: TrainState, identity: dict[str, Any]) -> bytes:
    """Return the contents of a checkpoint.

    The variables of the networks include the states of the dropout layers' random generators, those of the optimizer
    its moments, its step count and with it the position in the schedule.
    """
    # By position: the names of the random generators' states contain a count over the whole process.
    tensors = {f"{name}/{i}": v.numpy() for name, net in state.networks.items() for i, v in enumerate(net.variables)}
    tensors |= {f"optimizer/{i}": v.numpy() for i, v in enumerate(state.optimizer.variables)}
    tensors |= {f"best/{i}": value for i, value in enumerate(state.best_weights or [])}
    text = json.dumps(
        {"identity": identity, "progress": asdict(state.progress), "made_with": environment_fingerprint()}
    )
    # safetensors needs contiguous arrays of at least one dimension; variables without dimensions come as NumPy scalars.
    arrays = {name: np.ascontiguousarray(value).reshape(np.shape(value)) for name, value in tensors.items()}
    return save(arrays, {"state": text})


def load_checkpoint(path: Path, state: TrainState, identity: dict[str, Any]) -> None:
    """Fill a state from a checkpoint, with a warning if other code or package versions wrote it.

    Args:
        path: the file.
        state: a fresh state of the same run.
        identity: what the run is about, as JSON.

    Raises:
        CorruptFileError: if the file cannot be read.
        TrazoError: if it belongs to a run with other settings or data.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            saved = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"{path} is not a checkpoint of Trazo ({error}); delete it to start again") from None
    if differences := _differences_from(saved, identity):
        raise TrazoError(
            f"{path} belongs to a run with other settings ({differences}); "
            "use another --output, or delete it to start again"
        )
    _warn_of_other_versions(path, saved.get("made_with", {}))
    _assign(state, tensors, saved["progress"])


def share_state(state: TrainState, identity: dict[str, Any], workers: Workers) -> None:
    """Give every worker the state of the first.

    Args:
        state: of this worker.
        identity: what this worker's run is about, as JSON.
        workers: that train together; with one, nothing happens.

    Raises:
        TrazoError: if this worker has other settings or data than the first.
    """
    if workers.size == 1:
        return
    data = workers.broadcast(state_to_bytes(state, identity) if workers.is_first else b"")
    if workers.is_first:
        return
    header_end = 8 + int.from_bytes(data[:8], "little")  # of safetensors' format
    saved = json.loads(json.loads(data[8:header_end])["__metadata__"]["state"])
    if differences := _differences_from(saved, identity):
        raise TrazoError(f"worker {workers.rank + 1} has other settings or data than the first one ({differences})")
    _assign(state, load(data), saved["progress"])


def _differences_from(saved: dict[str, Any], identity: dict[str, Any]) -> str | None:
    requested = json.loads(json.dumps(identity))
    return None if saved["identity"] == requested else describe_differences(saved["identity"], requested)


def _assign(state: TrainState, tensors: dict[str, np.ndarray], progress: dict[str, Any]) -> None:
    for name, network in state.networks.items():
        for index, variable in enumerate(network.variables):
            variable.assign(tensors[f"{name}/{index}"])
    for index, variable in enumerate(state.optimizer.variables):
        variable.assign(tensors[f"optimizer/{index}"])
    state.best_weights = [
        tensors[f"best/{i}"] for i in range(sum(name.startswith("best/") for name in tensors))
    ] or None
    state.progress = Progress(**progress)


def _warn_of_other_versions(path: Path, fingerprint: dict[str, str]) -> None:
    if changed := [name for name, value in environment_fingerprint().items() if fingerprint.get(name) != value]:
        logger.warning(
            f"{path} was written by another version of {', '.join(changed)}: "
            "a training from the start may end with other weights"
        )


@cache
def environment_fingerprint() -> dict[str, str]:
    """Return a fingerprint of the code and the package versions that determine the result, by name."""
    digest = hashlib.sha256()
    for file in sorted(path for folder in CODE_FOLDERS for path in folder.rglob("*.py")):
        digest.update(file.read_bytes())
    return {"Trazo": f"{__version__}+{digest.hexdigest()[:16]}"} | {
        package.__name__: package.__version__ for package in PACKAGES
    }


def describe_differences(old: Any, new: Any) -> str:
    """Return what differs between two nested dicts in a few words: the first `MAX_DIFFERENCES`, each cut."""
    found = differences(old, new)
    data = [one for one in found if one.startswith("data.") and one.split(":")[0].rpartition(".")[2] in CONTENT_FIELDS]
    if data:
        return "its images or labels were others"
    shown = [shorten(one, MAX_DIFFERENCE_CHARS, placeholder=" …") for one in found[:MAX_DIFFERENCES]]
    return ", ".join(shown) + (f" and {len(found) - MAX_DIFFERENCES} more" if len(found) > MAX_DIFFERENCES else "")


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """Return what differs between two nested dicts, one line per value: its path, the old and the new value."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [d for key in keys for d in differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)]
    return [] if old == new else [f"{name}: {old!r} there, {new!r} requested"]
