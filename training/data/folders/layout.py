"""What the folders of a dataset mean: which are splits, which are classes, which are neither.

A pure function of how many images lie in which folder. The names of files never matter, and the words train, test and
so on only where every folder at that level is called so and classes lie below: a class may be called `train`, too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

from model.errors import TrazoError
from training.config import LAYOUTS
from training.data.folders import ask, classes
from training.data.folders.listing import Folder
from training.data.folders.report import list_some
from training.data.folders.split_names import name_splits, split_of

UNLABELED = "a split without labels, as it has no folders of the classes"
CHANGE_IT = "another layout: --layout splits, classes or outer"


@dataclass(frozen=True)
class Layout:
    """What the folders of a dataset mean.

    Attributes:
        places: folder -> split and class of the images in it; the class is None where folders name none.
        left_out: folder -> why the images in it are not used, in words.
        classes: names in the order of the ids; empty if no folders name any.
        decision: in words.
        notes: what else to know, a sentence each.
    """

    places: dict[Folder, tuple[str, str | None]]
    left_out: dict[Folder, str]
    classes: tuple[str, ...]
    decision: str
    notes: tuple[str, ...] = ()


@dataclass
class _Draft:
    """A layout in the making: the images that are still to be understood."""

    counts: dict[Folder, int]  # folder -> images in it, above 0
    left_out: dict[Folder, str] = field(default_factory=dict)

    def leave_out(self, folders: Iterable[Folder], reason: str) -> None:
        for folder in list(folders):
            self.left_out[folder] = reason
            del self.counts[folder]

    def total(self, folders: Iterable[Folder] | None = None) -> int:
        return sum(self.counts[folder] for folder in (self.counts if folders is None else folders))


def find_layout(
    counts: Mapping[Folder, int], choice: str | None = None, unusable: Mapping[Folder, str] | None = None
) -> Layout:
    """Decide what folders mean.

    Args:
        counts: folder -> number of images that lie directly in it, at least one above 0.
        choice: one of `LAYOUTS` to overrule the decision: "splits" takes the outermost folders for splits of any
            name; "classes" knows no splits; "outer" takes the outermost folders (below those of splits) for the
            classes, with all images below them. None decides.
        unusable: folder -> what it holds or lacks, for the folders without any usable image in them or below.

    Returns:
        the layout; without classes if no folders name any.

    Raises:
        TrazoError: if it stays open whether folders are splits or classes, or a class would vanish.

    Example:
        >>> layout = find_layout({("cat",): 3, ("dog",): 2, ("train",): 4})
        >>> layout.classes, layout.places["cat",]
        (('cat', 'dog', 'train'), ('train', 'cat'))
    """
    if choice not in (None, *LAYOUTS):
        raise TrazoError(f"a layout is {', '.join(LAYOUTS)}, not {choice!r}")
    draft = _Draft({folder: count for folder, count in counts.items() if count})
    start = _wrapper(draft)
    splits = {} if choice == "classes" else _split_folders(draft, start, choice)
    levels = _find_levels(draft, start, splits, outer=choice == "outer", fixed=choice is not None)
    if levels is None:
        return _flat_layout(draft, start, splits)
    layout = _class_layout(draft, levels)
    training = {folder[: levels.label] for folder, (split, _) in layout.places.items() if split == "train"}
    found = {folder[: start + 1]: split for folder, (split, _) in layout.places.items() if splits}
    classes.check_empty(unusable or {}, training, layout.classes, found)
    return layout


# --- Splits ---


def _wrapper(draft: _Draft) -> int:
    """Return how many outer folders mean nothing, as one holds all but single images."""
    start = 0
    while True:
        tops = _tops(draft, start)
        main = max(tops, key=lambda top: draft.total(tops[top]), default="")
        inside = [folder for folder in tops.get(main, ()) if len(folder) > start + 1]
        strays = [folder for folder in draft.counts if folder[start : start + 1] != (main,)]
        if split_of(main) or 2 * draft.total(inside) <= draft.total():
            return start
        if any(draft.counts[folder] > 1 for folder in strays if len(folder) > start):
            return start
        draft.leave_out(strays, "images next to the folder that holds the rest")
        start += 1


def _tops(draft: _Draft, level: int) -> dict[str, list[Folder]]:
    """Return the folders at a level, each with all folders in it that hold images."""
    tops: dict[str, list[Folder]] = {}
    for folder in draft.counts:
        if len(folder) > level:
            tops.setdefault(folder[level], []).append(folder)
    return tops


def _split_folders(draft: _Draft, start: int, choice: str | None) -> dict[str, str]:
    """Return folder name -> split for the folders at a level if they are splits; empty if they are not."""
    tops = _tops(draft, start)
    below = {top: _class_names(folders, start + 1) for top, folders in tops.items()}
    if choice == "splits" or (tops and all(map(split_of, tops))):
        return name_splits(tops)
    alike = [top for top in tops if split_of(top, exact=False) and below[top]]
    common = set.intersection(*(below[top] for top in alike)) if alike else set()
    if not common or (len(alike) == 1 and (len(common) < 2 or split_of(alike[0]) is None)):
        if choice is None:
            ask.about_joined_names(tops)
        return {}
    # Folders that look like splits hold the same classes: together, test images would be learned.
    for top in tops:
        if below[top] and top not in alike and below[top] & common:
            alike.append(top)  # a further split of any name
    unclear = [top for top in tops if top not in alike and not split_of(top) and draft.total(tops[top]) > 1]
    if any(below[top] for top in unclear) or (unclear and len(alike) == 1):
        if choice == "outer":
            return {}
        ask.about_splits(alike, common, unclear)
    unlabeled = [folder for top in tops if top not in alike and not split_of(top) for folder in tops[top]]
    draft.leave_out(unlabeled, "images in folders without class folders, next to those of the splits")
    return name_splits(top for top in tops if top in alike or split_of(top))


def _class_names(folders: Iterable[Folder], level: int) -> set[str]:
    return {normalize("NFC", folder[-1]) for folder in folders if len(folder) > level}


# --- Classes ---


@dataclass(frozen=True)
class _Levels:
    """Which name of a folder, counted from the outermost, means what."""

    start: int  # names before this one mean nothing: they are the same for all
    splits: dict[str, str]  # name -> split, of the folders at `start`; empty if they are no splits
    label: int  # the name that is the class
    split: int | None  # the name that is the split, if it lies below the class
    depth: int | None  # number of names of a folder whose images are used; None: any with a class

    def is_used(self, folder: Folder) -> bool:
        return len(folder) > self.label if self.depth is None else len(folder) == self.depth

    def split_of(self, folder: Folder) -> str:
        if self.split is not None:
            return split_of(folder[self.split]) or "train"
        return self.splits[folder[self.start]] if self.splits else "train"

    def class_of(self, folder: Folder) -> str:
        return normalize("NFC", folder[self.label])

    def describe(self, example: Folder) -> str:
        shown = ["*" if level >= self.start else name for level, name in enumerate(example)]
        for level, word in ((self.start if self.splits else self.split, "<split>"), (self.label, "<class>")):
            if level is not None:
                shown[level] = word
        return "/".join(shown) + ("/**" if self.depth is None else "/*")


def _find_levels(draft: _Draft, start: int, splits: dict[str, str], outer: bool, fixed: bool) -> _Levels | None:
    """Find the class: of an image's folders the nearest that tells some images from others; None if none does."""
    first = start + bool(splits)
    deeper = {folder: count for folder, count in draft.counts.items() if len(folder) > first}
    if not deeper or (not splits and draft.total() > 2 * sum(deeper.values())):
        return None
    depth = None if outer else _usual_depth(deeper, splits, start)
    used = [folder for folder in deeper if depth in (None, len(folder))]
    telling = [k for k in range(first, min(map(len, used))) if len({folder[k] for folder in used}) > 1]
    if not telling and fixed:
        telling = [first if outer else min(map(len, used)) - 1]  # a single class
    if not telling:
        return None
    *above, nearest = telling
    if above and not fixed:
        children: dict[str, set[str]] = {}
        for folder in used:
            children.setdefault(folder[above[-1]], set()).add(folder[nearest])
        if not splits and all(split_of(name) for names in children.values() for name in names):
            return _Levels(start, {}, above[-1], nearest, depth)  # <class>/train/…, <class>/test/…
        if not splits:
            ask.about_splits_in_classes(children)
        ask.about_two_levels(children, has_splits=bool(splits))
    return _Levels(start, splits, telling[0] if outer else nearest, None, depth)


def _usual_depth(counts: Mapping[Folder, int], splits: dict[str, str], level: int) -> int:
    """Return how many folders deep most images lie, in the training split if there is one."""
    training = {folder: count for folder, count in counts.items() if splits and splits.get(folder[level]) == "train"}
    depths = Counter[int]()
    for folder, count in (training or counts).items():
        depths[len(folder)] += count
    return max(depths, key=lambda depth: (depths[depth], -depth))


def _class_layout(draft: _Draft, levels: _Levels) -> Layout:
    found: dict[str, set[str]] = {name: set() for name in levels.splits.values()}
    for folder in filter(levels.is_used, draft.counts):
        found.setdefault(levels.split_of(folder), set()).add(levels.class_of(folder))
    names = found.get("train") or set().union(*found.values())
    unlabeled = {split for split, labels in found.items() if not labels & names}
    ask.about_other_names({split: found[split] for split in unlabeled}, names)
    for folder in [folder for folder in draft.counts if levels.splits and len(folder) > levels.start]:
        if levels.split_of(folder) in unlabeled:
            draft.leave_out([folder], f"images in {folder[levels.start]}, {UNLABELED}")
    draft.leave_out(
        [folder for folder in draft.counts if levels.is_used(folder) and levels.class_of(folder) not in names],
        "images of classes that the training split does not have",
    )
    classes.check_depths(draft.counts, levels.is_used, levels.label)
    odd = [folder for folder in draft.counts if not levels.is_used(folder)]
    draft.leave_out([folder for folder in odd if len(folder) <= levels.label], "images next to the class folders")
    draft.leave_out([folder for folder in odd if len(folder) > levels.label], "images at another depth than the rest")

    places: dict[Folder, tuple[str, str | None]] = {
        folder: (levels.split_of(folder), levels.class_of(folder)) for folder in draft.counts
    }
    labels = classes.sort_names(names)
    notes = [*classes.similar_names({folder[levels.label] for folder in places})]
    meaningless = [k for k in range(levels.start + bool(levels.splits), levels.label) if k != levels.split]
    above = sorted({folder[k] for folder in places for k in meaningless})
    if len(above) > 1:
        notes.append(
            f"the folders above those of the classes mean nothing here: {list_some(above, 5)}; if they are the "
            "classes, choose --layout outer; if only one of them is meant, give its path"
        )
    for split in sorted(set(found) - unlabeled):
        if missing := [name for name in labels if name not in found[split]]:
            notes.append(f"split {split} has no images of {list_some(missing)}")
    return Layout(places, draft.left_out, labels, _describe(levels, places), tuple(notes))


def _describe(levels: _Levels, places: Iterable[Folder]) -> str:
    example, *_ = folders = list(places)
    parts = [f"folders read as {levels.describe(example)}"]
    renamed = [f"{name} is the split {split}" for name, split in levels.splits.items() if name != split]
    words = sorted({folder[levels.label] for folder in folders if split_of(folder[levels.label])})
    parts += [list_some(renamed)] if renamed else []
    parts += [f"{list_some(words)}: classes, not splits"] if words else []
    return f"{', '.join(parts)} ({CHANGE_IT})"


def _flat_layout(draft: _Draft, start: int, splits: dict[str, str]) -> Layout:
    outside = [folder for folder in draft.counts if splits and len(folder) <= start]
    draft.leave_out(outside, "images next to the folders of the splits")
    places: dict[Folder, tuple[str, str | None]] = {
        folder: (splits[folder[start]] if splits else "train", None) for folder in draft.counts
    }
    text = f"{draft.total():,} images, no class folders" + (f", split folders {list_some(splits)}" if splits else "")
    outer = _find_levels(draft, start, splits, outer=True, fixed=True)
    names = outer and {outer.class_of(folder) for folder in draft.counts if outer.is_used(folder)}
    note = f"--layout outer takes the outermost folders for the classes: {list_some(sorted(names or ()), 5)}"
    return Layout(places, draft.left_out, (), text, (note,) if names and len(names) > 1 else ())
