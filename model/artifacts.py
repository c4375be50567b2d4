"""The files of a model folder, and writing them whole."""

import glob
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from model.errors import ModelError, TrazoError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"
CHECKPOINT = "checkpoint.safetensors"  # of a training, which may go on
TRAINING = "training.json"
TRIALS = "trials.json"
EVALUATION = "evaluation.json"
REPORTS = (TRAINING, TRIALS, EVALUATION)
PICTURES = ("confusion.png", "calibration.png")  # of the card
EXPORTS = "exports.json"  # which other formats of the weights lie beside them
EXPORTED = ("onnx/model.onnx", "model.tflite")  # transformers.js looks for the first; the Hub knows any .tflite
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # owner/name
# Bytes of each file that are read at most; what is larger belongs to no model of this package.
LIMITS = {
    CONFIG: 1 << 20,
    WEIGHTS: 1 << 30,
    CARD: 1 << 20,
    **dict.fromkeys(REPORTS, 1 << 24),
    **dict.fromkeys(PICTURES, 1 << 24),
    EXPORTS: 1 << 20,
    **dict.fromkeys(EXPORTED, 1 << 31),
}
UNSAFE = (".bin", ".ckpt", ".h5", ".hdf5", ".keras", ".pickle", ".pkl", ".pt", ".pth")


class CorruptFileError(TrazoError, ValueError):
    """A file of a run that cannot be used; the text names it and says what to do."""


def check_complete(where: str, sizes: Mapping[str, int], names: Iterable[str]) -> None:
    """Refuse a folder or repo without config or weights, or with a file too large, by name.

    Args:
        where: the folder or repo, for messages.
        sizes: bytes of its known files.
        names: of all its files; read only when something is missing.

    Raises:
        ModelError: with what is missing, and the files there that are never loaded because they may run code.
    """
    for name in (CONFIG, WEIGHTS):
        if name not in sizes:
            names = list(names)
            if CHECKPOINT in names:
                raise ModelError(
                    f"{where} has no {name}: its training has not ended; the command that began it goes on"
                )
            unsafe = sorted(name for name in names if name.lower().endswith(UNSAFE))
            hint = f"; {', '.join(unsafe)} may run code when loaded and is never used" if unsafe else ""
            raise ModelError(f"{where} has no {name}: only config.json with safetensors is loaded{hint}")
    for name, size in sizes.items():
        if size > LIMITS[name]:
            raise ModelError(f"{where}/{name} has {size:,} bytes; at most {LIMITS[name]:,} are read")


def check_folder(folder: Path) -> None:
    """Refuse a folder as `check_complete` does, or for a link that leads out of it.

    Through such a link a stranger's folder would have files of the person who loads it read, published or overwritten.
    """
    home = folder.resolve()
    # A snapshot in the Hub's cache is links into its repo's `blobs`, and these may be links into that of all repos.
    rooms = [home, *(place / "blobs" for place in home.parents[1:3] if home.parent.name == "snapshots")]
    sizes = {}
    for name in LIMITS:
        path = folder / name
        target = Path(os.path.realpath(path))  # a folder on the way may be a link, too
        if not any(target.is_relative_to(os.path.realpath(room)) for room in rooms):
            raise ModelError(f"{path} is a link out of its folder")
        if path.is_symlink() and not target.exists():
            raise ModelError(f"{path} is a link that leads nowhere")
        if path.is_file():  # no pipe, which would be waited for
            sizes[name] = path.stat().st_size
    check_complete(str(folder), sizes, (path.name for path in folder.iterdir()))


def clear_leftovers(path: Path) -> None:
    """Delete what `atomic_write` left of a file when its process was killed; nobody else may be writing it."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        leftover.unlink(missing_ok=True)


def atomic_write(path: str | os.PathLike, content: bytes | str) -> None:
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
    atomic_write(path, json_text(value))


def json_text(value: Any) -> str:
    """Return what `write_json` writes."""
    return json.dumps(_finite(value), indent=1, ensure_ascii=False) + "\n"


def read_json(path: str | os.PathLike) -> Any | None:
    """Return a JSON file's value, or None where there is no such file.

    Raises:
        CorruptFileError: when the file is there and is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"is not valid JSON ({error})") from None


# --- Reports ---


def read_report(path: str | os.PathLike) -> dict[str, Any] | None:
    """Return the value of one of `REPORTS`, or None where there is no such file.

    Raises:
        CorruptFileError: when it is not JSON, or does not say which dataset it is about.
    """
    report = read_json(path)
    if report is None:
        return None
    about = _about(report) if isinstance(report, dict) else None
    if not isinstance(about, dict) or not all(map(_names_a_dataset, [about, *_listed(about)])):
        raise _damaged(path, "does not say which dataset it is about")
    return report


def is_on_hub(dataset: str, revision: str | None) -> bool:
    """Return whether a report's dataset is one on the Hub; only these have a revision, but old reports lack it."""
    return revision is not None or (bool(HUB_ID.fullmatch(dataset)) and not Path(dataset).exists())


def dataset_name(dataset: str, revision: str | None) -> str:
    """Return what to call a dataset in public: a Hub id as it is, of a local folder the name alone."""
    return dataset if is_on_hub(dataset, revision) else Path(dataset).resolve().name


def datasets_of(about: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each dataset that a report's section of data names, with at least `dataset` and `revision`."""
    listed = about.get("datasets") or ([about] if "dataset" in about else [])
    return [*listed, *about.get("extra_datasets", [])]


def evaluated_on_training_split(training: dict[str, Any], evaluation: dict[str, Any]) -> bool:
    """Return whether an evaluation measured the split that was learned from; a folder may be named in several ways."""
    learned = _about(training)
    known = {Path(one["dataset"]).resolve() for one in datasets_of(learned)}
    measured = [one for one in datasets_of(evaluation) if one["split"] == learned.get("split")]
    return any(Path(one["dataset"]).resolve() in known for one in measured)


def redact_local_paths(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report as it may be published: the way to a local dataset is nobody else's business.

    A folder's name takes the place of its path, also inside longer texts such as the reason of a failed trial.
    """
    for one in datasets_of(_about(report)):
        if not is_on_hub(one["dataset"], one.get("revision")):
            report = _without_path(report, one["dataset"], dataset_name(one["dataset"], one.get("revision")))
    return report


def _without_path(report: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    def change(text: str) -> str:
        # Errors name files by their absolute path, with links followed or not.
        return name if text == path else text.replace(os.path.realpath(path), name).replace(os.path.abspath(path), name)

    return _with_texts(report, change)


def _names_a_dataset(about: Any) -> bool:
    return isinstance(about, dict) and isinstance(about.get("dataset"), str)


def _listed(about: dict[str, Any]) -> list[Any]:
    several, further = about.get("datasets", []), about.get("extra_datasets", [])
    return [*several, *further] if isinstance(several, list) and isinstance(further, list) else [None]


def _about(report: dict[str, Any]) -> Any:
    return report.get("data", report)  # training.json has a section for it


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _with_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _damaged(path: str | os.PathLike, reason: str) -> CorruptFileError:
    return CorruptFileError(f"{path} {reason}: delete it and let the command that made it make it again")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:  # NaN or infinite
        return None
    return value
