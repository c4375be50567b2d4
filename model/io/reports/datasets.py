"""Which datasets a report is about, and what of their names may be published."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.artifacts import HUB_ID

FILE_OF_ROW = re.compile(r"\b(row \d+) \([^)]*\)")
NAMING_FILES = ("examples", "notes")


def local_path(dataset: str, revision: str | None) -> str | None:
    """Return the absolute path of a dataset that was just opened; None if it has a revision, so is on the Hub."""
    return None if revision else os.path.realpath(dataset)


def is_on_hub(dataset: str, revision: str | None, path: str | None) -> bool:
    """Return whether a report's dataset is one on the Hub.

    A local one has a path, also if nothing lies there any more. Reports of older versions have neither of the two.

    Args:
        dataset: as it was requested.
        revision: commit that was read.
        path: from `local_path`, when it was opened.
    """
    if revision or path:
        return path is None
    return bool(HUB_ID.fullmatch(dataset)) and not Path(dataset).exists()


def dataset_name(dataset: str, revision: str | None, path: str | None = None) -> str:
    """Return what to call a dataset in public: a Hub id as it is, of a local folder the name alone."""
    return dataset if is_on_hub(dataset, revision, path) else Path(path or dataset).resolve().name


def redact_local_paths(report: dict[str, Any]) -> dict[str, Any]:
    """Return the value of a report as it may be published: without the paths of local datasets.

    A folder's name replaces its path, also inside longer texts such as the reason of a failed trial. The names of a
    folder's files are dropped, and the person's own folder is called `~`.
    """
    about = report.get("data") or report
    listed = about.get("datasets") or ([about] if "dataset" in about else [])
    for source in [*listed, *about.get("extra_datasets", [])]:
        dataset, revision, path = source["dataset"], source.get("revision"), source.get("path")
        if not is_on_hub(dataset, revision, path):
            name = dataset_name(dataset, revision, path)
            report = _without_path(_without_file_names(report), dataset, path or dataset, name)
    home = os.path.expanduser("~")
    return _with_texts(report, lambda text: text.replace(home + os.sep, f"~{os.sep}")) if len(home) > 1 else report


def _without_file_names(value: Any) -> Any:
    """Return a value of a report without what may name a person's files: paths, examples, notes, names of rows."""
    if isinstance(value, dict):
        # A class may be called like these, too; its value is a number.
        kept = {key: item for key, item in value.items() if not (key == "path" and isinstance(item, str))}
        return {
            key: [] if key in NAMING_FILES and isinstance(item, list) else _without_file_names(item)
            for key, item in kept.items()
        }
    if isinstance(value, list):
        return [_without_file_names(item) for item in value]
    return FILE_OF_ROW.sub(r"\1", value) if isinstance(value, str) else value


def _without_path(report: dict[str, Any], dataset: str, path: str, name: str) -> dict[str, Any]:
    def change(text: str) -> str:
        if text == dataset:
            return name
        for one in known:
            text = text.replace(one, name)
        return text

    # Errors name files by their absolute path, with links followed or not, and the dataset as it was requested.
    known = [os.path.realpath(path), os.path.abspath(path), *([dataset] if os.sep in dataset else [])]

    return _with_texts(report, change)


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _with_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
