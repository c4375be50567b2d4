"""What is compared: commands of Trazo, and scripts of others."""

import ast
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from model.artifacts import EVALUATION_FILE
from model.quiet import quiet

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Task:
    """One measurement: a dataset, a seed, and what the contenders are given."""

    dataset: Path
    side_px: int  # of the images, for those that do not look for themselves
    rows: int  # to learn from
    seed: int
    minutes: float
    backbone: Path
    python: str  # of the others
    folder: Path  # for the results of a run


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Attributes:
        title: in the table.
        commands: their arguments, one command after another.
        accuracy: of the test rows, from the last line of the output and the folder.
        lines: that a user writes.
        recipe: (side of the images, rows to learn from) -> a hash of what a preset says now; empty without one.
    """

    title: str
    commands: Callable[[Task], list[list[str]]]
    accuracy: Callable[[str, Path], float]
    lines: int
    recipe: Callable[[int, int], str] = lambda side_px, rows: ""


def _trazo(title: str, *commands: str) -> Contender:
    """Return a contender of commands with placeholders."""

    def fill(task: Task) -> list[list[str]]:
        values = {
            "DATASET": str(task.dataset),
            "BACKBONE": str(task.backbone),
            "MINUTES": str(task.minutes),
            "SEED": str(task.seed),
            "OUTPUT": str(task.folder / "run"),
        }
        words = [["-m", "training", *command.split()] for command in commands]
        return [[sys.executable, *(values.get(word, word) for word in command)] for command in words]

    def accuracy(_: str, folder: Path) -> float:
        return json.loads((folder / "run" / EVALUATION_FILE).read_text(encoding="utf-8"))["accuracy"]

    return Contender(title, fill, accuracy, len(commands))


def _script(title: str, name: str, *more: Callable[[Task], str]) -> Contender:
    """Return a contender that is a script of this folder, which prints the accuracy on its last line."""
    path = HERE / f"{name}.py"

    def command(task: Task) -> list[list[str]]:
        options = (str(task.dataset), str(task.side_px), str(task.seed), *(option(task) for option in more))
        return [[task.python, str(path), *options]]

    return Contender(title, command, lambda last, _: float(last), count_lines(path.read_text(encoding="utf-8")))


def count_lines(source: str) -> int:
    """Return the lines of a script without blank lines, comments and docstrings.

    Example:
        >>> count_lines('''"A script."
        ... x = [  # a list
        ...     1,
        ... ]
        ... ''')
        3
    """
    tree = ast.parse(source)
    text = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(source.splitlines(), 1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and number not in text for number, line in lines)


def _photo_recipe(side_px: int, rows: int) -> str:
    with quiet():
        from training.presets import photo

    preset = photo(image_shape=(side_px, side_px, 3), rows=rows)
    return sha256(json.dumps([preset.architecture, preset.training], sort_keys=True).encode()).hexdigest()[:12]


TRAIN = "train --dataset DATASET --output OUTPUT --seed SEED"
EVALUATE = "evaluate --model OUTPUT --dataset DATASET"
RUN = "run --dataset DATASET --output OUTPUT --seed SEED"

CONTENDERS = {
    "photo": replace(
        _trazo("Trazo, `train --preset photo`", f"{TRAIN} --preset photo", EVALUATE), recipe=_photo_recipe
    ),
    "backbone": _trazo("Trazo, `run --backbone`", f"{RUN} --backbone BACKBONE"),
    "finetune": _trazo("Trazo, `run --backbone --finetune`", f"{RUN} --backbone BACKBONE --finetune"),
    "run": _trazo("Trazo, `run --minutes`", f"{RUN} --minutes MINUTES"),
    "autokeras": _script("AutoKeras, the same minutes", "autokeras_search", lambda task: str(task.minutes)),
    "keras-convnet": _script("keras.io, `mnist_convnet`", "keras_convnet"),
    "keras-xception": _script("keras.io, `image_classification_from_scratch`", "keras_xception"),
    "frozen": _script("timm, frozen, and scikit-learn", "frozen_backbone", lambda task: str(task.backbone)),
}
