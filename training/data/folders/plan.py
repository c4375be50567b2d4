"""Which file is which row of which split, and why the others are none."""

from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import pyarrow as pa

from model.errors import TrazoError
from model.image_formats import READABLE_FORMATS
from training.data.folders import kinds
from training.data.folders.file_names import FileNames
from training.data.folders.layout import Layout, find_layout
from training.data.folders.listing import File, Folder, Listing
from training.data.folders.members import FileReader, expand_archives
from training.data.folders.metadata import (
    FILE_COLUMNS,
    MAX_METADATA_BYTES,
    MetadataTable,
    is_metadata,
    join_metadata,
    parse_metadata,
)
from training.data.folders.report import FolderReport, LeftOutCounter, SplitContents, list_some
from training.data.folders.split_names import SPLIT_WORDS, find_splits

SPLIT_ORDER = {split: number for number, split in enumerate(SPLIT_WORDS)}
LABEL_TABLES = (".csv", ".tsv", ".jsonl", ".xlsx", ".xls", ".ods")
MAX_FILE_BYTES = 1 << 28  # of one encoded image
NO_LABELS = (
    "one folder per class is needed (cat/1.jpg, dog/2.jpg; with splits train/cat/1.jpg, test/cat/2.jpg), or a file "
    "metadata.csv with the columns file_name and label next to the images"
)


class NoLabelsError(TrazoError):
    """There are images, but neither folders of classes nor metadata."""


class Row(NamedTuple):
    """One row of a split."""

    file: File
    label: int  # id of its class; −1 where there are no class folders
    line: int  # of the metadata; −1 for none


@dataclass(frozen=True)
class FolderPlan:
    """The rows of a folder's splits, before anything is copied.

    Attributes:
        splits: split -> its rows, in their order.
        classes: names in the order of the ids; empty if the labels are in a metadata file.
        columns: of the metadata files: name -> values, one for each line.
        report: what was found and left out.
    """

    splits: dict[str, list[Row]]
    classes: tuple[str, ...]
    columns: dict[str, pa.Array]
    report: FolderReport


def plan_rows(dataset: str, listing: Listing, choice: str | None = None) -> FolderPlan:
    """Decide which images are rows of which split and class.

    Args:
        dataset: as it was requested, for messages.
        listing: what lies there; archives may be among it.
        choice: a layout that overrules the decision, see `find_layout`.

    Raises:
        NoLabelsError: if there are no labels.
        TrazoError: if images are missing, or a class would vanish; one line with what was found.
    """
    listing = expand_archives(listing)
    draft = _Draft(dataset, listing)
    counts = Counter(image.folder for image in draft.images)
    lacking = _folders_without_images(listing, counts, draft.unusable)
    _check_some_images(dataset, draft.images, draft.counter)
    table = draft.read_metadata()
    if table and table.says_labels(len(draft.images)) and choice is None:
        return _plan_metadata(draft, table, counts)
    try:
        layout = find_layout(counts, choice, lacking)
    except TrazoError as error:
        raise TrazoError(f"{dataset!r}: {error}") from None
    if layout.classes:
        return _plan_classes(draft, layout, table)
    if table and table.columns:
        return _plan_metadata(draft, table, counts)
    draft.notes += layout.notes
    raise NoLabelsError(_describe_no_labels(draft, layout, lacking, table))


class _Draft:
    """What was found, before it is decided what it means."""

    def __init__(self, dataset: str, listing: Listing) -> None:
        self.dataset, self.listing = dataset, listing
        self.counter = LeftOutCounter()  # of files that are no images
        self.images, self.unusable = _find_images(listing, self.counter)
        self.notes: list[str] = []
        if links := listing.links:
            self.notes.append(f"links that lead out of the folder are followed: {list_some(links, 3)}")

    def read_metadata(self) -> MetadataTable | None:
        names = FileNames(self.images)
        found = []
        with closing(FileReader()) as reader:
            for file in filter(is_metadata, self.listing.files):
                if file.size > MAX_METADATA_BYTES:
                    raise TrazoError(
                        f"{file.relative} of {self.dataset!r} has {file.size:,} bytes; "
                        f"at most {MAX_METADATA_BYTES:,} are read"
                    )
                try:
                    table = parse_metadata(file, reader.read(file), names, self.counter)
                except OSError as error:
                    raise TrazoError(f"a metadata file of {self.dataset!r} cannot be read: {error}") from None
                except TrazoError as error:  # a file of another kind, of the same name
                    self.notes.append(f"not used: {error}")
                    continue
                self.counter.remove(f"{kinds.ending(file.name)} files", file.relative)
                if table.file_column.strip().lower() not in FILE_COLUMNS:
                    self.notes.append(f"column {table.file_column!r} of {table.name} names the images")
                found.append(table)
        return join_metadata(found, names, self.counter, self.notes) if found else None

    def report(self, decision: str, contents: dict[str, SplitContents], odd: LeftOutCounter) -> FolderReport:
        odd.extend(self.counter.result())  # images first
        odd.extend(self.listing.left_out.result())
        return FolderReport(decision=decision, splits=contents, left_out=odd.result(), notes=tuple(self.notes))


def _find_images(listing: Listing, counter: LeftOutCounter) -> tuple[list[File], dict[Folder, Counter[str]]]:
    """Return the images, and the reasons why other files of each folder are none, counted."""
    images: list[File] = []
    unusable: dict[Folder, Counter[str]] = {}
    for file in listing.files:
        reason = kinds.why_not_an_image(file.name, file.size, partial(_read_head, file))
        if reason is None and file.size > MAX_FILE_BYTES:
            reason = f"images of more than {MAX_FILE_BYTES >> 20} MB"
        if reason is None:
            images.append(file)
        else:
            unusable.setdefault(file.folder, Counter())[reason] += 1
            counter.add(reason, file.relative)
    return images, unusable


def _read_head(file: File) -> bytes:
    # A file on the Hub has no head here: what it is, is known by its ending alone.
    return file.head if file.member >= 0 else kinds.read_head(file.path)


def _folders_without_images(
    listing: Listing, counts: Counter[Folder], unusable: dict[Folder, Counter[str]]
) -> dict[Folder, str]:
    """Return folder -> what it holds, for folders without a usable image that may be meant as a class or split.

    A folder of annotations is not: it holds nothing but texts about images, of kinds that no image has next to it. An
    archive that is not read counts as a folder of its name.
    """
    with_images = {folder[:k] for folder in counts for k in range(len(folder) + 1)}
    next_to_images = {reason for folder in counts for reason in unusable.get(folder, ())}
    totals: dict[Folder, Counter[str]] = {folder: Counter() for folder in listing.folders if folder not in with_images}
    for folder, reasons in unusable.items():
        for k in range(len(folder) + 1):
            if folder[:k] in totals:
                totals[folder[:k]] += reasons
    for file in listing.files:  # archives that are read are none of these any more
        stem = kinds.archive_stem(file.name)
        if stem and (*file.folder, stem) not in with_images:
            totals.setdefault((*file.folder, stem), Counter())[kinds.why_not_an_image(file.name, 0, bytes) or ""] += 1
    companions = {f"{suffix} files" for suffix in kinds.COMPANIONS - kinds.DATA} - next_to_images
    return {
        folder: ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()) or "no files that can be read"
        for folder, reasons in totals.items()
        if not reasons or set(reasons) - companions
    }


def _check_some_images(dataset: str, images: list[File], counter: LeftOutCounter) -> None:
    pointers = counter.total(kinds.POINTERS)
    if pointers and not images:
        raise TrazoError(f"{dataset!r}: all {pointers:,} images are {kinds.POINTERS}")
    if not images:
        found = list_some(f"{one.count:,} {one.reason} ({one.examples[0]})" for one in counter.result())
        raise TrazoError(
            f"{dataset!r} holds no image of a format that can be read ({READABLE_FORMATS}); "
            f"it holds {found or 'no files'}"
        )


def _describe_no_labels(draft: _Draft, layout: Layout, lacking: dict[Folder, str], table: MetadataTable | None) -> str:
    places = Counter("/".join(folder) or "the folder itself" for folder in layout.places)
    text = f"{draft.dataset!r} has {layout.decision}, so there are no labels: the images lie in {list_some(places, 5)}"
    if lacking:
        shown = (f"{'/'.join(folder)} ({reason})" for folder, reason in lacking.items())
        text += f"; folders without an image that can be used: {list_some(shown, 3)}"
    if table:
        draft.notes.append(f"{list_some(table.names)} has no column of labels that can be used")
    tables = [one.relative for one in draft.listing.files if not is_metadata(one) and _is_table(one, draft.images)]
    if tables:
        draft.notes.append(
            f"labels in {list_some(tables, 3)} are read only from a file called metadata.csv or metadata.jsonl"
        )
    return f"{'; '.join([text, *draft.notes])}: {NO_LABELS}"


def _is_table(file: File, images: list[File]) -> bool:
    """Return whether a file may hold the labels of many images: a table, or a JSON file about no single image."""
    suffix = kinds.ending(file.name)
    stems = {image.name.rpartition(".")[0] for image in images} if suffix == ".json" else set()
    return suffix in LABEL_TABLES or (suffix == ".json" and file.name.rpartition(".")[0] not in stems)


def _plan_classes(draft: _Draft, layout: Layout, table: MetadataTable | None) -> FolderPlan:
    ids = {name: number for number, name in enumerate(layout.classes)}
    splits: dict[str, list[Row]] = {}
    odd = LeftOutCounter()
    for position, image in enumerate(draft.images):
        if image.folder in layout.places:
            split, name = layout.places[image.folder]
            row = Row(image, ids[name or ""], table.lines.get(position, -1) if table else -1)
            splits.setdefault(split, []).append(row)
        else:
            odd.add(layout.left_out[image.folder], image.relative)
    splits = _in_order(splits)
    contents = {}
    for split, rows in splits.items():
        found = Counter(row.label for row in rows)
        classes = {name: found[number] for name, number in ids.items()}
        contents[split] = SplitContents(images=len(rows), classes=classes)
    draft.notes += layout.notes
    if table:
        draft.notes.append(
            f"labels are the names of the folders; further columns from the metadata: {list_some(table.columns)}; "
            "--label-column takes one of them instead"
        )
    report = draft.report(layout.decision, contents, odd)
    return FolderPlan(splits, layout.classes, table.columns if table else {}, report)


def _plan_metadata(draft: _Draft, table: MetadataTable, counts: Counter[Folder]) -> FolderPlan:
    split_folders = find_splits(counts)
    column, by_line = (None, {}) if split_folders else table.splits()
    splits: dict[str, list[Row]] = {}
    odd = LeftOutCounter()
    for position, image in enumerate(draft.images):
        line = table.lines.get(position)
        if line is None:
            odd.add("images without a line in the metadata", image.relative)
        elif column and line not in by_line:
            odd.add(f"images without a value in column {column} of the metadata", image.relative)
        else:
            split = split_folders.get(image.folder) or by_line.get(line) or "train"
            splits.setdefault(split, []).append(Row(image, -1, line))
    if not splits:
        raise TrazoError(
            f"{draft.dataset!r}: no line of {list_some(table.names)} names an image of this folder; the images are "
            f"{list_some((image.relative for image in draft.images), 3)}"
        )
    splits = _in_order(splits)
    source = "folders" if split_folders else f"column {column}" if column else ""
    draft.notes += _unused_classes(counts)
    decision = f"labels from {list_some(table.names)}, columns {list_some(table.columns)} (choose with --label-column)"
    contents = {split: SplitContents(images=len(rows)) for split, rows in splits.items()}
    report = draft.report(f"{decision}{f', splits from the {source}' if source else ''}", contents, odd)
    return FolderPlan(splits, (), table.columns, report)


def _unused_classes(counts: Counter[Folder]) -> list[str]:
    """Return a sentence about folders that could be classes, where the labels are those of the metadata."""
    with suppress(TrazoError):
        if names := find_layout(counts).classes:
            return [f"the folders are not the classes ({list_some(names, 5)}); --layout classes takes them for these"]
    return []


def _in_order(splits: dict[str, list[Row]]) -> dict[str, list[Row]]:
    return dict(sorted(splits.items(), key=lambda item: (SPLIT_ORDER.get(item[0], len(SPLIT_ORDER)), item[0])))
