"""Which file is which row of which split, and why the others are none."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from model.errors import TrazoError
from training.data.folders import kinds
from training.data.folders.layout import Layout, find_layout
from training.data.folders.listing import File, Folder, Listing
from training.data.folders.report import FolderReport, LeftOutCounter, SplitContents, list_some
from training.data.folders.split_names import SPLIT_WORDS

SPLIT_ORDER = {split: number for number, split in enumerate(SPLIT_WORDS)}
MAX_FILE_BYTES = 1 << 28  # of one encoded image
NO_LABELS = (
    "one folder per class is needed (cat/1.jpg, dog/2.jpg; with splits train/cat/1.jpg, test/cat/2.jpg), or a file "
    "metadata.csv with the columns file_name and label next to the images"
)


@dataclass(frozen=True)
class FolderPlan:
    """The rows of a folder's splits, before anything is copied.

    Attributes:
        splits: split -> its images, each with the id of its class, in the order of the rows.
        classes: names in the order of the ids.
        report: what was found and left out.
    """

    splits: dict[str, list[tuple[File, int]]]
    classes: tuple[str, ...]
    report: FolderReport


def plan_rows(dataset: str, listing: Listing, choice: str | None = None) -> FolderPlan:
    """Decide which images are rows of which split and class.

    Args:
        dataset: as it was requested, for messages.
        listing: what lies there.
        choice: a layout that overrules the decision, see `find_layout`.

    Raises:
        TrazoError: if images or labels are missing, or a class would vanish; one line with what was found.
    """
    counter = LeftOutCounter()
    images, unusable = _find_images(listing, counter)
    counts = Counter(image.folder for image in images)
    lacking = _folders_without_images(listing, counts, unusable)
    _check_some_images(dataset, images, counter)
    try:
        layout = find_layout(counts, choice, lacking)
    except TrazoError as error:
        raise TrazoError(f"{dataset!r}: {error}") from None
    if not layout.classes:
        raise TrazoError(_describe_no_labels(dataset, layout, lacking, listing))
    return _plan_classes(images, layout, listing, counter)


def _find_images(listing: Listing, counter: LeftOutCounter) -> tuple[list[File], dict[Folder, Counter[str]]]:
    """Return the images, and the reasons why other files of each folder are none, counted."""
    images: list[File] = []
    unusable: dict[Folder, Counter[str]] = {}
    for file in listing.files:
        reason = kinds.why_not_an_image(file.name, file.size, partial(kinds.read_head, file.path))
        if reason is None and file.size > MAX_FILE_BYTES:
            reason = f"images of more than {MAX_FILE_BYTES >> 20} MB"
        if reason is None:
            images.append(file)
        else:
            unusable.setdefault(file.folder, Counter())[reason] += 1
            counter.add(reason, file.relative)
    return images, unusable


def _folders_without_images(
    listing: Listing, counts: Counter[Folder], unusable: dict[Folder, Counter[str]]
) -> dict[Folder, str]:
    """Return folder -> what it holds, for folders without a usable image that may be meant as a class.

    A folder of annotations is not: it holds nothing but companions, of kinds that no image has next to it.
    """
    with_images = {folder[:k] for folder in counts for k in range(len(folder) + 1)}
    next_to_images = {reason for folder in counts for reason in unusable.get(folder, ())}
    totals: dict[Folder, Counter[str]] = {folder: Counter() for folder in listing.folders if folder not in with_images}
    for folder, reasons in unusable.items():
        for k in range(len(folder) + 1):
            if folder[:k] in totals:
                totals[folder[:k]] += reasons
    companions = {f"{suffix} files" for suffix in kinds.COMPANIONS} - next_to_images
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
            f"{dataset!r} holds no image of a format that can be read ({', '.join(sorted(kinds.IMAGES))}); "
            f"it holds {found or 'no files'}"
        )


def _describe_no_labels(dataset: str, layout: Layout, lacking: dict[Folder, str], listing: Listing) -> str:
    places = Counter("/".join(folder) or "the folder itself" for folder in layout.places)
    text = f"{dataset!r} has {layout.decision}, so there are no labels: the images lie in {list_some(places, 5)}"
    if lacking:
        shown = (f"{'/'.join(folder)} ({reason})" for folder, reason in lacking.items())
        text += f"; folders without an image that can be used: {list_some(shown, 3)}"
    tables = [file.relative for file in listing.files if kinds.ending(file.name) in (".csv", ".tsv", ".jsonl")]
    if tables:
        text += f"; labels in {list_some(tables, 3)} are read only from a file called metadata.csv or metadata.jsonl"
    return f"{text}: {NO_LABELS}"


def _plan_classes(images: Iterable[File], layout: Layout, listing: Listing, counter: LeftOutCounter) -> FolderPlan:
    ids = {name: number for number, name in enumerate(layout.classes)}
    splits: dict[str, list[tuple[File, int]]] = {}
    odd = LeftOutCounter()
    for image in images:
        if image.folder in layout.places:
            split, name = layout.places[image.folder]
            splits.setdefault(split, []).append((image, ids[name or ""]))
        else:
            odd.add(layout.left_out[image.folder], image.relative)
    splits = dict(sorted(splits.items(), key=lambda item: (SPLIT_ORDER.get(item[0], len(SPLIT_ORDER)), item[0])))
    contents = {}
    for split, rows in splits.items():
        found = Counter(label for _, label in rows)
        classes = {name: found[number] for name, number in ids.items()}
        contents[split] = SplitContents(images=len(rows), classes=classes)
    odd.extend(counter.result())  # images first
    odd.extend(listing.left_out.result())
    report = FolderReport(decision=layout.decision, splits=contents, left_out=odd.result(), notes=layout.notes)
    return FolderPlan(splits, layout.classes, report)
