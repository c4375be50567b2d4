"""The JSON reports of a run: reading them, and which datasets they are about."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.artifacts import HUB_ID
from model.io.atomic import corrupt_file, read_json


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
        raise corrupt_file(path, "does not say which dataset it is about")
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
