"""Questions about folders that may be splits or classes: errors that name the options which answer them."""

import re
from collections.abc import Collection, Mapping
from typing import NoReturn

from model.errors import TrazoError
from training.data.folders.report import list_some
from training.data.folders.split_names import part_split_of, split_of

CHOICES = (
    "--layout outer (the outermost folders are the classes) or classes (the nearest folder of an image is its class)"
)
NUMBERED = re.compile(r"\d")


def about_splits(alike: Collection[str], common: Collection[str], others: Collection[str]) -> NoReturn:
    """Ask about outermost folders of which some look like splits and others do not.

    Args:
        alike: folders that look like splits.
        common: classes in all of them.
        others: the folders next to them.
    """
    names = list_some(others, 3)
    raise TrazoError(
        f"{list_some(alike)} could be a split, as classes lie in it ({list_some(sorted(common), 3)}), or a class, "
        f"like {names} next to it: choose --layout splits (the outermost folders are splits), outer (they are "
        f"classes) or classes (the nearest folder of an image is its class), or move {names} away"
    )


def about_joined_names(folders: Collection[str]) -> None:
    """Ask about names such as train_cat and test_cat: as two classes, a test image would be learned.

    Raises:
        TrazoError: if there are folders of two splits whose names are equal apart from the word for the split.
    """
    found: dict[str, dict[str, str]] = {}  # what is left of a name -> split -> name
    for folder in sorted(folders):
        split, rest = part_split_of(folder)
        if split and rest:
            found.setdefault(rest, {}).setdefault(split, folder)
    joined = next((names for names in found.values() if len(names) > 1), None)
    if joined:
        raise TrazoError(
            f"{list_some(joined.values())} could be splits of one class, or different classes: rename the folders to "
            "<split>/<class>, such as train/cat and test/cat, or choose --layout classes (the nearest folder of an "
            "image is its class) or splits (the outermost folders are splits)"
        )


def about_splits_in_classes(children: Mapping[str, Collection[str]]) -> None:
    """Ask about folders such as cat/train, cat/test and dog/more.

    Args:
        children: name of a folder -> names of the folders in it that hold the images.

    Raises:
        TrazoError: if two of the names are those of different splits.
    """
    names = set().union(*children.values())
    words = [name for name in sorted(names) if split_of(name)]
    if len({split_of(name) for name in words}) > 1:
        others = list_some(sorted(names - set(words)), 3)
        raise TrazoError(
            f"{list_some(words)} could be splits of {list_some(sorted(children), 3)}, or classes like {others} next to "
            f"them: move {others} away, or choose {CHOICES}"
        )


def about_two_levels(children: Mapping[str, Collection[str]], has_splits: bool) -> None:
    """Ask about folders such as benign/patient1 and malignant/patient2: the classes may be those, or these.

    Folders such as 2020/cat and 2021/cat, which repeat the names in them, are understood without a question.

    Args:
        children: name of a folder -> names of the folders in it that hold the images.
        has_splits: whether they lie in folders of splits, which --layout classes would join.

    Raises:
        TrazoError: if no name is repeated, or the names in them have numbers and those above do not.
    """
    names = [name for inside in children.values() for name in inside]
    nested = len(set(names)) == len(names) > len(children)
    numbered = all(map(NUMBERED.search, names)) and not any(map(NUMBERED.search, children))
    if nested or numbered:
        raise TrazoError(
            f"the classes could be the folders {list_some(sorted(children), 3)}, or those in them "
            f"({list_some(sorted(set(names)), 3)}): choose "
            + (CHOICES.replace("or classes (", "or splits (") if has_splits else CHOICES)
        )


def about_other_names(splits: Mapping[str, Collection[str]], labels: Collection[str]) -> None:
    """Ask about splits whose folders have other names than the classes; a single folder holds unlabeled images.

    Args:
        splits: name of a split without any class -> names of its folders.
        labels: names of the classes.

    Raises:
        TrazoError: if there is such a split with several folders.
    """
    for split, names in sorted(splits.items()):
        if len(names) > 1:
            raise TrazoError(
                f"the folders of split {split} ({list_some(sorted(names), 3)}) are none of the classes of the training "
                f"split ({list_some(sorted(labels), 3)}), so it would be left out: rename them, or move it away"
            )
