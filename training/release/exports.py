"""exports.json: which other formats of a run's weights lie next to them, and whether they still match."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from model.artifacts import EXPORTED_FILES, EXPORTS_FILE
from model.errors import CorruptFileError, TrazoError
from model.io.atomic import read_json
from model.io.weights import matches_weights


def read_exports(folder: Path) -> dict[str, Any] | None:
    """Return exports.json if it describes the weights in this folder, else None.

    Raises:
        CorruptFileError: if it is not what `export` writes.
    """
    path = folder / EXPORTS_FILE
    report = read_json(path)
    if report is None:
        return None
    formats = report.get("formats") if isinstance(report, dict) else None
    valid = isinstance(formats, dict) and all(
        isinstance(one, dict) and one.get("file") in EXPORTED_FILES and "sha256" in one for one in formats.values()
    )
    if not valid:  # each name in it is a file that `publish` would upload
        raise CorruptFileError(f"{path} is not what `python -m training export` writes: delete it and export again")
    return report if matches_weights(report, folder) else None


def exported_files(folder: Path) -> list[str]:
    """Return exports.json and the files it names if they belong to the weights in this folder, else an empty list.

    Raises:
        TrazoError: if one of them is missing or is not the file that was checked.
    """
    report = read_exports(folder)
    if report is None:
        return []
    for name, one in report["formats"].items():
        path = folder / one["file"]
        if not path.is_file() or sha256(path.read_bytes()).hexdigest() != one["sha256"]:
            raise TrazoError(f"{path} is not what was exported: `python -m training export {folder} --to {name}` again")
    return [EXPORTS_FILE, *(one["file"] for one in report["formats"].values())]
