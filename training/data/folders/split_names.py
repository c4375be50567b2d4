"""Names of folders that stand for splits."""

import re
from collections.abc import Collection, Iterable

SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
WORD_TO_SPLIT = {word: split for split, words in SPLIT_WORDS.items() for word in words}
# What a folder's name may hold next to the word for its split: training_set, test-images, Train2, train_part1.
NEUTRAL = "set data dataset split images image imgs img pictures pics photos folder part my the"  # words: ok


SPLIT_COLUMNS = ("split", "set", "subset", "partition")


def split_of(name: str, exact: bool = True) -> str | None:
    """Return the split that a folder's name stands for: train, validation or test; None if for none.

    >>> split_of("Testing"), split_of("training_set"), split_of("training_set", exact=False)
    ('test', None, 'train')
    """
    if exact:
        return WORD_TO_SPLIT.get(name.strip().lower())
    words = [word for word in _words(name) if word not in NEUTRAL.split()]
    return WORD_TO_SPLIT.get(words[0]) if len(words) == 1 else None


def part_split_of(name: str) -> tuple[str | None, str]:
    """Return the split that the first or last word of a folder's name stands for, and the other words.

    >>> part_split_of("train_cat"), part_split_of("Black Cat - TEST"), part_split_of("0test"), part_split_of("cat")
    (('train', 'cat'), ('test', 'black cat'), ('test', '0'), (None, 'cat'))
    """
    words = re.findall(r"\d+|[^\W\d_]+", name.lower())
    for position in (0, -1):
        if words and (split := WORD_TO_SPLIT.get(words[position])):
            del words[position]
            return split, " ".join(words)
    return None, " ".join(words)


def name_splits(folders: Iterable[str]) -> dict[str, str]:
    """Return folder -> split. Folders of one split under two words (val and dev) keep their own names.

    >>> name_splits(["train", "Test images", "val"]), name_splits(["val", "dev"])
    ({'train': 'train', 'Test images': 'test', 'val': 'validation'}, {'val': 'val', 'dev': 'dev'})
    """
    names = {folder: split_of(folder, exact=False) or folder for folder in folders}
    words: dict[str, set[str]] = {}
    for folder, name in names.items():
        words.setdefault(name, set()).update(set(_words(folder)) & WORD_TO_SPLIT.keys())
    return {folder: folder if len(words[name]) > 1 else name for folder, name in names.items()}


def find_splits(folders: Collection[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Return folder -> split, if all folders lie in folders that are called like splits; else empty.

    >>> find_splits([("data", "train", "0"), ("data", "val")])
    {('data', 'train', '0'): 'train', ('data', 'val'): 'validation'}
    """
    level = 0
    while all(len(folder) > level for folder in folders):
        names = {folder[level] for folder in folders}
        if all(map(split_of, names)):
            splits = name_splits(sorted(names))
            return {folder: splits[folder[level]] for folder in folders}
        if len(names) > 1:
            break
        level += 1
    return {}


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_\d]+", name.lower()) if word]
