"""The files of a model folder, and writing them whole."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from model.errors import ModelError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"
TRAINING = "training.json"
TRIALS = "trials.json"
EVALUATION = "evaluation.json"
REPORTS = (TRAINING, TRIALS, EVALUATION)
UNSAFE = (".bin", ".ckpt", ".h5", ".hdf5", ".keras", ".pickle", ".pkl", ".pt", ".pth")


def check_complete(where: str, names: Iterable[str]) -> None:
    """Refuse a folder or repo without config or weights, by name.

    Raises:
        ModelError: with what is missing, and the files there that are never loaded because they may run code.
    """
    names = set(names)
    missing = [name for name in (CONFIG, WEIGHTS) if name not in names]
    if missing:
        unsafe = sorted(name for name in names if name.endswith(UNSAFE))
        hint = f"; {', '.join(unsafe)} may run code when loaded and is never used" if unsafe else ""
        raise ModelError(f"{where} has no {missing[0]}: only config.json with safetensors is loaded{hint}")


def write_whole(path: str | os.PathLike, content: bytes | str) -> None:
    """Write a file under a temporary name, flush it to disk, then rename it.

    A reader, or a process that starts after a crash, sees the old file or the new one, never a part.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp gives 0600; these files are meant to be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write a value as indented JSON, whole; NaN and infinities, which JSON does not have, become null."""
    write_whole(path, json.dumps(_finite(value), indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | os.PathLike) -> Any | None:
    """Return a JSON file's value, or None where there is no such file.

    Raises:
        ValueError: when the file is there and is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:  # NaN or infinite
        return None
    return value
