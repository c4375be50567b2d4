"""Class folders: the order of their names, and classes that would vanish."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from unicodedata import normalize

from model.errors import TrazoError
from training.data.folders.listing import Folder
from training.data.folders.report import list_some
from training.data.folders.split_names import split_of


def sort_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return class names in the order of their ids: as numbers if all are numbers.

    >>> sort_names(["10", "9", "0"]), sort_names(["10", "9", "x"])
    (('0', '9', '10'), ('10', '9', 'x'))
    """
    found = set(names)
    if all(re.fullmatch(r"[+-]?\d+(\.\d+)?", name, re.ASCII) for name in found):
        return tuple(sorted(found, key=lambda name: (float(name), name)))
    return tuple(sorted(found))


def similar_names(folders: Iterable[str]) -> list[str]:
    """Return a sentence for each group of folder names that may mean one class.

    Args:
        folders: names as they are on disk, where Macs write an accent as a separate character.
    """
    notes = []
    spelled = Counter(normalize("NFC", name) for name in folders)
    for name in sorted(name for name, number in spelled.items() if number > 1):
        notes.append(f"{spelled[name]} folders are called {name!r}, spelled differently in Unicode: one class")
    alike: dict[str, list[str]] = {}
    for name in sorted(spelled):
        alike.setdefault(" ".join(name.casefold().split()), []).append(name)
    for group in alike.values():
        if len(group) > 1:
            notes.append(f"the classes {' and '.join(map(repr, group))} differ only in case or spaces: are they one?")
    return notes


def check_depths(counts: Mapping[Folder, int], is_used: Callable[[Folder], bool], level: int) -> None:
    """Raise if a folder that may be a class would vanish because its images lie at another depth than the rest.

    Args:
        counts: folder -> images in it.
        is_used: whether a folder's images are used.
        level: of the class among a folder's names.

    Raises:
        TrazoError: if there is such a folder with more than a single image.
    """
    kept = {folder[: level + 1] for folder in counts if is_used(folder)}
    above = {folder[:k] for folder in kept for k in range(len(folder))}
    lost = Counter[Folder]()
    for folder, count in counts.items():
        if not is_used(folder) and folder[: level + 1] not in kept | above:
            lost[folder[: level + 1]] += count
    names = ["/".join(folder) for folder, count in sorted(lost.items()) if count > 1]
    if names:
        raise TrazoError(
            f"the images in {list_some(names, 5)} lie at another depth than those of the classes, such as "
            f"{'/'.join(min(kept))}, and would be left out: move them to the same depth or away from the dataset, or "
            "choose --layout outer, which takes the outermost folders for the classes"
        )


def check_empty(
    unusable: Mapping[Folder, str], parents: Collection[Folder], labels: Collection[str], splits: Mapping[Folder, str]
) -> None:
    """Raise if a folder next to those of the classes or splits holds no usable image, so that one would vanish.

    Args:
        unusable: folder -> what it holds or lacks, for folders without a usable image in them or below; an archive
            that is not read is one of them.
        parents: folders that hold class folders of the training split.
        labels: names of the classes that have images.
        splits: folder of a split that has images -> name of the split.

    Raises:
        TrazoError: if there is such a folder.
    """
    levels = {folder[:-1] for folder in splits}
    empty: dict[str, list[str]] = {"class": [], "split": []}
    for folder, reason in sorted(unusable.items()):
        if folder and folder[:-1] in parents and normalize("NFC", folder[-1]) not in labels:
            empty["class"].append(f"{'/'.join(folder)} ({reason})")
        elif folder and folder[:-1] in levels and split_of(folder[-1], exact=False) not in (None, *splits.values()):
            empty["split"].append(f"{'/'.join(folder)} ({reason})")
    for word, found in empty.items():
        if found:
            raise TrazoError(
                f"{word} folders without an image that can be used: {list_some(found, 5)}; their "
                f"{'classes' if word == 'class' else 'splits'} would be missing: put images into them, or move them "
                "away from the dataset"
            )
