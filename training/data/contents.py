"""What a run learned from: the hashes of its images and how they were chosen, kept in the run's folder.

`evaluate` compares test images with it, and a later command in the same folder its data. It is not published.
"""

import json
import os
import zipfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import CorruptFileError, TrazoError
from model.io.atomic import atomic_file
from model.io.files import open_file
from training.config import DataConfig
from training.data.parquet.split_info import SplitInfo
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

    def holds_any(self, content: np.ndarray) -> bool:
        """Return whether any of some images was learned from; false without a scan.

        Args:
            content: uint64 (n,): their hashes.
        """
        known = [hashes for hashes in (self.train, self.validation) if hashes is not None]
        return any(bool(np.isin(hashes, content).any()) for hashes in known)

    def fingerprint_of(self, source: SplitInfo) -> str | None:
        """Return the hash that a split had when it was learned from; None if it was not, or not from that place."""
        entries = [one for one in self.about["datasets"] if one["split"] == source.split]
        return next((one["fingerprint"] for one in entries if one["dataset"] == _place(source)), None)

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
        opened = open_file(path.parent, path.name)
        if opened is None:
            return None
        try:
            with opened, np.load(opened, allow_pickle=False) as file:
                if any(info.compress_type != zipfile.ZIP_STORED for info in file.zip.infolist()):
                    raise ValueError("it is compressed")  # so it may be far larger than its file
                about = json.loads(file["about"].tobytes())
                if not isinstance(about, dict) or not about.keys() >= {"datasets", "options", "hold_out"}:
                    raise ValueError("it does not say what it is about")
                train, validation = (file.get(name) for name in ("train", "validation"))
                if any(one is not None and (one.dtype, one.ndim) != (np.uint64, 1) for one in (train, validation)):
                    raise ValueError("it holds no hashes")
                return Contents(train, validation, about)
        except (OSError, ValueError, KeyError, EOFError, MemoryError, RecursionError, zipfile.BadZipFile) as error:
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
    if there and (change := describe_change(there, now)):
        raise ChangedDataError(f"{change}: use another --output, or delete {folder}")


def describe_change(run: Contents, requested: Contents) -> str | None:
    """Return what distinguishes the data of a run from the requested one, in a few words; None if nothing does."""
    there, now = run.about, requested.about
    old, new = there["datasets"], now["datasets"]
    if [one["dataset"] for one in old] == [one["dataset"] for one in new] and (
        there["options"]["no_scan"] != now["options"]["no_scan"]
    ):
        return f"this run was made with{'' if there['options']['no_scan'] else 'out'} --no-scan"
    if [one["fingerprint"] for one in old] != [one["fingerprint"] for one in new]:
        images = _changed_images(run, requested) if there["options"] == now["options"] else ""
        same = [one["dataset"] for one in old] == [one["dataset"] for one in new]
        chosen = _changed_keys(old, new, ("image_column", "label_column", "sketches")) if same else None
        return chosen or _changed_datasets(old, new, images)
    if change := _changed_keys(old, new, ("image_column", "label_column", "task", "labels", "sketches")):
        return change
    if there["options"] == now["options"] and there.get("validation") != now["validation"]:
        return f"the validation rows changed since this run ({_changed_images(run, requested) or 'not scanned'})"
    if there["hold_out"] == now["hold_out"]:
        return None
    options = [
        f"--{name.replace('_', '-')} {there['options'].get(name)} there, {now['options'].get(name)} now"
        for name in HOLD_OUT_OPTIONS
        if there["options"].get(name) != now["options"].get(name)
    ]
    return f"other rows are held out than in this run ({'; '.join(options) or 'by another version of Trazo'})"


def _changed_keys(old: list[dict[str, Any]], new: list[dict[str, Any]], keys: tuple[str, ...]) -> str | None:
    for before, after in zip(old, new, strict=True):
        for key in keys:
            if before[key] != after[key]:
                return f"{key.replace('_', ' ')} of {_name(after['dataset'])!r}: {_difference(before[key], after[key])}"
    return None


def _changed_images(run: Contents, requested: Contents) -> str:
    """Return how many of the images to learn from are new or gone; empty if they are not known."""
    if run.train is None or run.validation is None or requested.train is None or requested.validation is None:
        return ""
    before, after = np.union1d(run.train, run.validation), np.union1d(requested.train, requested.validation)
    come, gone = len(np.setdiff1d(after, before)), len(np.setdiff1d(before, after))
    if come or gone:
        return f"of the images to learn from {come:,} are new and {gone:,} are gone"
    return "the images to learn from are the same, but not their labels, their order, or those held out for the test"


def _changed_datasets(old: list[dict[str, Any]], new: list[dict[str, Any]], images: str) -> str:
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
    more = f"; {images}" if images else ""
    return f"the labels or images of {_name(after['dataset'])!r} changed since this run ({content}{more})"


def _describe(data: DataConfig, opened: TrainingData) -> dict[str, Any]:
    datasets = [
        {
            "dataset": _place(labeled.source),
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
        "validation": [labeled.fingerprint for labeled in opened.validation.sources],
        "options": options,
        "hold_out": {name: {"rows": stream.rows, "subset": stream.key["subset"]} for name, stream in streams.items()},
    }


def _place(source: SplitInfo) -> str:
    return source.dataset if source.revision else os.path.realpath(source.dataset)


def _name(dataset: str) -> str:
    return os.path.basename(dataset) if os.path.isabs(dataset) else dataset


def _difference(before: Any, after: Any) -> str:
    if not isinstance(before, list):
        return f"{before!r} there, {after!r} now"
    gone, come = ([one for one in a if one not in b] for a, b in ((before, after), (after, before)))
    parts = [f"{', '.join(map(repr, names[:3]))} only {where}" for names, where in ((gone, "there"), (come, "now"))]
    return "; ".join(part for part, names in zip(parts, (gone, come), strict=True) if names) or "in another order"
