"""Build data.json: for `inspect` from all splits of a dataset, for a run from those that it uses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import ClassLabel

from model.errors import TrazoError
from model.io.reports import local_path, write_report
from model.io.reports.inspection import DataReport, DatasetContents, Files, LeftOut, SplitContents
from model.pixel_format import PixelFormat
from model.preprocess.facts import choose_pixel_format
from training.config import DataConfig, TrainConfig
from training.data.class_names import match_names
from training.data.inspection.columns import describe_columns
from training.data.inspection.contents import describe_split
from training.data.inspection.overlaps import Side, find_overlaps
from training.data.inspection.plan import plan_training
from training.data.inspection.scanned import ScannedSplit
from training.data.inspection.warnings import find_warnings
from training.data.label_facts import fit_target_scaling
from training.data.scan.checks import check_split
from training.data.scan.scanner import scan_split
from training.data.splits import DatasetParts, TrainingData, one_config_per_dataset, open_data, open_stream
from training.data.stream import HubStream


@dataclass
class DatasetSplits:
    """The splits of one dataset that are looked at.

    Attributes:
        part: what training uses of it.
        scanned: splits that could be opened; the one that is trained on comes first.
        failed: split -> why it cannot be opened.
        test: the rows to measure on and where they come from; None if they are not looked at.
    """

    part: DatasetParts
    scanned: list[ScannedSplit] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    test: tuple[HubStream, str] | None = None


@dataclass(frozen=True)
class Inspection:
    """A report, and the rows that it is about.

    Attributes:
        report: data.json.
        datasets: one per dataset.
        pixel_format: which values of the files are black and white.
    """

    report: DataReport
    datasets: tuple[DatasetSplits, ...]
    pixel_format: PixelFormat


def inspect_dataset(data: DataConfig) -> Inspection:
    """Scan every split of a dataset, and return what was found and what training would do.

    Args:
        data: with one dataset.

    Raises:
        TrazoError: if the dataset, or its training split, cannot be used.

    Example:
        >>> inspect_dataset(DataConfig("training/sample")).report.datasets[0].splits[0].usable
        3500
    """
    opened = open_data(data, batch_size=TrainConfig.batch_size)
    if opened.train.task == "regression":
        fit_target_scaling(opened)  # refuses targets from which a training could not learn
    (part,) = opened.parts
    datasets = (_look_at(data, part, part.train.source.splits),)
    return Inspection(_build(opened, datasets), datasets, opened.pixel_format)


def describe_refused(data: DataConfig) -> SplitContents | None:
    """Return what the scan found in the training split of a dataset that is refused; None if it cannot be scanned.

    Args:
        data: with one dataset, which `inspect_dataset` refused.
    """
    try:
        labeled = open_stream(data, data.split).sources[0]
        index = scan_split(labeled)
    except TrazoError:
        return None
    pixel_format = choose_pixel_format(*index.distinct_facts(index.readable)) if index.readable.any() else PixelFormat()
    return describe_split(ScannedSplit(labeled, index), pixel_format)


def inspect_run(data: DataConfig, opened: TrainingData, with_test: bool = False) -> DataReport:
    """Return what was found in the splits that a run uses.

    Args:
        data: as it was opened.
        opened: the training data.
        with_test: also look at the rows that the run is measured on.

    Raises:
        TrazoError: if the validation or the test split cannot be used.
    """
    datasets = []
    for one, part in zip(one_config_per_dataset(data), opened.parts, strict=True):
        names = [part.train.source.split, part.validation.source.split]
        if with_test and part.test is None:
            names.append(one.test_split)
        found = _look_at(one, part, dict.fromkeys(names), with_test)
        for problem in (*found.failed.values(), *(split.problem for split in found.scanned)):
            if problem is not None:
                raise TrazoError(problem)
        datasets.append(found)
    return _build(opened, datasets)


def keep_report(report: DataReport, path: Path) -> DataReport:
    """Write data.json of a run and return what it holds then.

    What is there is kept if it says all that the new report says: it may be about the test rows, too.

    Args:
        report: from `inspect_run`.
        path: of the file; its folder is made.
    """
    known = DataReport.read(path)
    if known is not None and _covers(known, report):
        for there, now in zip(known.datasets, report.datasets, strict=True):
            there.dataset = now.dataset  # the same content may lie in another place now
        report = known
    path.parent.mkdir(parents=True, exist_ok=True)
    write_report(path, report)
    return report


def _look_at(data: DataConfig, part: DatasetParts, names: Iterable[str], with_test: bool = True) -> DatasetSplits:
    source = part.train.source
    found = DatasetSplits(part, [ScannedSplit(part.train.sources[0], part.index)])
    if with_test and part.test is not None:
        found.test = part.test, f"held out of split {source.split} by {part.held_out_by}"
    for name in names:
        if name == source.split:
            continue
        stream, problem = _open_other(data, name, part)
        if stream is None:
            found.failed[name] = problem or ""
            continue
        index = None
        if part.index is not None:
            index = scan_split(stream.sources[0])
            index = index.select(stream.mask(np.arange(index.rows)))
        if index is not None and problem is None:
            try:
                check_split(index, stream)
            except TrazoError as error:
                problem = str(error)
        others = _other_classes(data, stream, part)
        found.scanned.append(ScannedSplit(stream.sources[0], index, problem, others))
        if with_test and name == data.test_split and part.test is None:
            found.test = stream, f"split {name}"
    return found


def _open_other(data: DataConfig, name: str, part: DatasetParts) -> tuple[HubStream | None, str | None]:
    """Return another split than the one that is trained on, and what is wrong with it; None if nothing is."""
    if name == part.validation.source.split:
        return part.validation, None
    try:
        return open_stream(data, name, labels=part.train.labels), None
    except TrazoError as error:
        problem = str(error)
    try:
        return open_stream(data, name), problem
    except TrazoError:
        return None, problem


def _other_classes(data: DataConfig, stream: HubStream, part: DatasetParts) -> tuple[str, ...]:
    """Return the classes of another split that the one that is trained on does not have."""
    if stream.task == "regression" or data.classes:
        return ()
    names = stream.labels
    if not isinstance(stream.features.get(stream.label_column), ClassLabel):  # then its labels were given
        try:
            names = open_stream(data, stream.source.split).labels
        except TrazoError:  # it has a single class, for example
            return ()
    numbers = match_names(names, part.train.labels)
    return tuple(name for name, number in zip(names, numbers, strict=True) if number is None)


def _build(opened: TrainingData, datasets: Sequence[DatasetSplits]) -> DataReport:
    tests = [found.test for found in datasets if found.test]
    contents = [_describe(found, opened.pixel_format) for found in datasets]
    plan = plan_training(
        opened,
        [found.scanned for found in datasets],
        tests if len(tests) == len(datasets) else [],
        opened.train.batch_size,
    )
    report = DataReport.build(
        scanned=all(part.index is not None for part in opened.parts), datasets=contents, plan=plan, warnings=[]
    )
    report.warnings = find_warnings(report)
    return report


def _describe(found: DatasetSplits, pixel_format: PixelFormat) -> DatasetContents:
    train, labeled = found.scanned[0], found.scanned[0].labeled
    source, folder = labeled.source, labeled.source.folder
    files = (
        None
        if folder is None
        else Files(
            decision=folder.decision,
            left_out=[LeftOut(reason=f.reason, count=f.count, examples=list(f.examples)) for f in folder.left_out],
            notes=list(folder.notes),
        )
    )
    splits = [describe_split(split, pixel_format) for split in found.scanned]
    splits += [SplitContents(split=name, problem=problem) for name, problem in found.failed.items()]
    scanned = [split for split in found.scanned if split.index is not None]
    return DatasetContents(
        dataset=source.dataset,
        config=source.config,
        revision=source.revision,
        path=local_path(source.dataset, source.revision),
        all_splits=list(source.splits),
        image_column=labeled.image_column,
        label_column=labeled.label_column,
        notes=list(labeled.notes),
        columns=describe_columns(train),
        files=files,
        splits=splits,
        overlaps=find_overlaps([Side(split.name, [(split, None)]) for split in scanned]),
    )


def _covers(known: DataReport, new: DataReport) -> bool:
    """Return whether a report says all that a new one says."""
    parts = {part.name: part for part in known.plan.parts}
    return (
        [one.splits[0] for one in known.datasets] == [one.splits[0] for one in new.datasets]
        and all(parts.get(part.name) == part for part in new.plan.parts)
        and known.plan.input == new.plan.input
        and known.plan.batch_size == new.plan.batch_size
        and known.trazo == new.trazo
    )
