"""Which datasets a report is about, and what of their names may be published."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.artifacts import HUB_ID

FILE_OF_ROW = re.compile(r"\b(row \d+) \([^)]*\)")
NAMING_FILES = ("examples", "notes")


def is_on_hub(dataset: str, revision: str | None) -> bool:
    """Return whether a report's dataset is one on the Hub; only these have a revision, but old reports lack it."""
    return revision is not None or (bool(HUB_ID.fullmatch(dataset)) and not Path(dataset).exists())


def dataset_name(dataset: str, revision: str | None) -> str:
    """Return what to call a dataset in public: a Hub id as it is, of a local folder the name alone."""
    return dataset if is_on_hub(dataset, revision) else Path(dataset).resolve().name


def redact_local_paths(report: dict[str, Any]) -> dict[str, Any]:
    """Return the value of a report as it may be published: without the paths of local datasets.

    A folder's name replaces its path, also inside longer texts such as the reason of a failed trial. The names of a
    folder's files are dropped.
    """
    about = report.get("data") or report
    listed = about.get("datasets") or ([about] if "dataset" in about else [])
    for source in [*listed, *about.get("extra_datasets", [])]:
        path, revision = source["dataset"], source.get("revision")
        if not is_on_hub(path, revision):
            report = _without_path(_without_file_names(report), path, dataset_name(path, revision))
    return report


def _without_file_names(value: Any) -> Any:
    """Return a value of data.json without what may name a person's files: examples, notes, names of rows."""
    if isinstance(value, dict):
        return {key: [] if key in NAMING_FILES else _without_file_names(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_file_names(item) for item in value]
    return FILE_OF_ROW.sub(r"\1", value) if isinstance(value, str) else value


def _without_path(report: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    def change(text: str) -> str:
        # Errors name files by their absolute path, with links followed or not.
        return name if text == path else text.replace(os.path.realpath(path), name).replace(os.path.abspath(path), name)

    return _with_texts(report, change)


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _with_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
