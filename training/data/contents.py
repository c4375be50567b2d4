"""What a run learned from: the hashes of its images and how they were chosen, kept in the run's folder.

`evaluate` compares test images with it, and a later command in the same folder its data. It is not published.
"""

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import CorruptFileError, TrazoError
from model.io.atomic import atomic_file
from training.config import DataConfig
from training.data.scan.scanner import scan_split
from training.data.splits import TrainingData
from training.data.stream import HubStream

CONTENTS_FILE = "contents.npz"
# Options that decide which rows are learned from; training.json holds those that were chosen.
HOLD_OUT_OPTIONS = (
    *("split", "test_split", "test_fraction", "validation_fraction", "group_column", "classes", "max_rows", "no_scan"),
)


class ChangedDataError(TrazoError):
    """A run's folder belongs to other data; the text says what changed."""


@dataclass(frozen=True, eq=False)
class Contents:
    """The images that a run learns from.

    Attributes:
        train: uint64 (n,), ascending: hash of each different image that is trained on; None without a scan.
        validation: uint64 (m,), ascending: of each that chooses hyperparameters, epoch, temperature and threshold.
        about: datasets, columns and hold-outs, as JSON values.
    """

    train: np.ndarray | None
    validation: np.ndarray | None
    about: dict[str, Any]

    @staticmethod
    def of(data: DataConfig, opened: TrainingData) -> "Contents":
        """Return the contents of opened training data; scans are read from the cache."""
        streams = opened.train, opened.validation
        train, validation = (None if data.no_scan else content_hashes(stream) for stream in streams)
        return Contents(train, validation, json.loads(json.dumps(_describe(data, opened))))

    def save(self, path: Path) -> None:
        """Write the contents, completely or not at all.

        Raises:
            OSError: if they cannot be written.
        """
        hashes = {"train": self.train, "validation": self.validation} if self.train is not None else {}
        about = np.frombuffer(json.dumps(self.about).encode(), np.uint8)
        with atomic_file(path) as file:
            np.savez(file, about=about, **hashes)  # type: ignore[arg-type] # both are arrays then

    @staticmethod
    def load(path: Path) -> "Contents | None":
        """Read contents; None if there is no such file.

        Raises:
            CorruptFileError: if it is damaged.
        """
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                train, validation = (file.get(name) for name in ("train", "validation"))
                return Contents(train, validation, about)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise CorruptFileError(f"{path} is damaged ({error}); delete it, or use another --output") from None


def content_hashes(stream: HubStream) -> np.ndarray:
    """Return the hash of each different image of a stream, uint64 (n,), ascending; scans are read from the cache."""
    parts, first = [], 0
    for labeled in stream.sources:
        content = scan_split(replace(labeled, content=None)).content
        ids = np.arange(first, first + len(content))
        parts.append(content[stream.mask(ids)])
        first += len(content)
    hashes = np.unique(np.concatenate(parts))
    return hashes[hashes != 0]  # no image, or none that can be decoded


def check_same_data(folder: Path, now: Contents) -> None:
    """Refuse a run's folder that belongs to other data.

    Raises:
        ChangedDataError: with what changed, in one sentence.
    """
    there = Contents.load(folder / CONTENTS_FILE)
    change = describe_change(there.about, now.about) if there else None
    if change:
        raise ChangedDataError(f"{change}: use another --output, or delete {folder}")


def describe_change(there: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return what distinguishes the data of a run from the requested one, in a few words; None if nothing does."""
    old, new = there["datasets"], now["datasets"]
    if [one["dataset"] for one in old] == [one["dataset"] for one in new] and (
        there["options"]["no_scan"] != now["options"]["no_scan"]
    ):
        return f"this run was made with{'' if there['options']['no_scan'] else 'out'} --no-scan"
    if [one["fingerprint"] for one in old] != [one["fingerprint"] for one in new]:
        return _changed_datasets(old, new)
    for before, after in zip(old, new, strict=True):
        for key in ("image_column", "label_column", "task", "labels", "sketches"):
            if before[key] != after[key]:
                return f"{key.replace('_', ' ')} of {_name(after['dataset'])!r}: {_difference(before[key], after[key])}"
    if there["hold_out"] == now["hold_out"]:
        return None
    options = [
        f"--{name.replace('_', '-')} {there['options'].get(name)} there, {now['options'].get(name)} now"
        for name in HOLD_OUT_OPTIONS
        if there["options"].get(name) != now["options"].get(name)
    ]
    return f"other rows are held out than in this run ({'; '.join(options) or 'by another version of Trazo'})"


def _changed_datasets(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
    if [one["dataset"] for one in old] != [one["dataset"] for one in new]:
        names = [" + ".join(repr(_name(one["dataset"])) for one in each) for each in (old, new)]
        if names[0] == names[1]:  # folders of the same name
            names = [" + ".join(repr(one["dataset"]) for one in each) for each in (old, new)]
        return f"this folder holds a run on {names[0]}, not on {names[1]}"
    before, after = next(
        pair for pair in zip(old, new, strict=True) if pair[0]["fingerprint"] != pair[1]["fingerprint"]
    )
    if before["split"] != after["split"]:
        return f"this folder holds a run on split {before['split']!r}, not on {after['split']!r}"
    content = f"content {before['fingerprint'][:8]}… there, {after['fingerprint'][:8]}… now"
    return f"the labels or images of {_name(after['dataset'])!r} changed since this run ({content})"


def _describe(data: DataConfig, opened: TrainingData) -> dict[str, Any]:
    datasets = [
        {
            "dataset": labeled.source.dataset if labeled.source.revision else os.path.realpath(labeled.source.dataset),
            "revision": labeled.source.revision,
            "split": labeled.source.split,
            "fingerprint": labeled.fingerprint,
            "image_column": labeled.image_column,
            "label_column": labeled.label_column,
            "task": labeled.task,
            "labels": list(labeled.labels),
            "sketches": labeled.sketches,
        }
        for labeled in opened.train.sources
    ]
    options = {one.name: getattr(data, one.name) for one in fields(data) if one.name in HOLD_OUT_OPTIONS}
    streams = {"train": opened.train, "validation": opened.validation}
    return {
        "datasets": datasets,
        "options": options,
        "hold_out": {name: {"rows": stream.rows, "subset": stream.key["subset"]} for name, stream in streams.items()},
    }


def _name(dataset: str) -> str:
    return os.path.basename(dataset) if os.path.isabs(dataset) else dataset


def _difference(before: Any, after: Any) -> str:
    if not isinstance(before, list):
        return f"{before!r} there, {after!r} now"
    gone, come = ([one for one in a if one not in b] for a, b in ((before, after), (after, before)))
    parts = [f"{', '.join(map(repr, names[:3]))} only {where}" for names, where in ((gone, "there"), (come, "now"))]
    return "; ".join(part for part, names in zip(parts, (gone, come), strict=True) if names) or "in another order"
