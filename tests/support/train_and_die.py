"""A command that kills its own process at a chosen moment, to be run with `run_forked`.

The moment is one of these; the command runs to its end if it never comes.

    step       before the count-th step is counted
    half       when half of the count-th checkpoint is written, under its temporary name
    flushed    when the count-th checkpoint is written, under its temporary name
    renamed    when the count-th checkpoint is in its place
    a file     before the run's file of that name, such as training.json, is written
"""

import os
import signal
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.tiny_space import TinySpace
from tests.support.tiny_training import tiny_preset
from training import planned, presets
from training.cli import main
from training.commands import tune as search_command
from training.loop import checkpoint
from training.loop.progress_bar import EpochBar
from training.loop.state import Progress
from training.loop.trainer import fit
from training.tuning import tuner


def die(*_: Any) -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_step(count: int) -> None:
    """Die when the progress bar is moved for the `count`-th time."""
    update, calls = EpochBar.update, 0

    def counted_update(bar: EpochBar, progress: Progress) -> None:
        nonlocal calls
        calls += 1
        if calls == count:
            die()
        update(bar, progress)

    EpochBar.update = counted_update


def die_at_checkpoint(moment: str, count: int, folder: str = "") -> None:
    """Die while the `count`-th checkpoint is written, of those in folders of this name if there is one."""
    write, calls = checkpoint.atomic_write, 0

    def counted_write(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += folder in ("", path.parent.name)
        if calls == count and moment in ("half", "flushed"):
            os.replace = die  # the temporary file is left
            content = content[: len(content) // 2] if moment == "half" else content
        write(path, content)
        if calls == count:
            die()

    checkpoint.atomic_write = counted_write


def die_at_file(name: str) -> None:
    """Die before the temporary file is created that becomes the file of that name."""
    create = tempfile.mkstemp

    def checked_create(prefix: str, **options: Any) -> tuple[int, str]:
        if prefix == f".{name}.":
            die()
        return create(prefix=prefix, **options)

    tempfile.mkstemp = checked_create


def train(moment: str, count: int, command: list[str]) -> int:
    """Run a command until the moment; its preset `fast` is tiny, and a checkpoint is written every 50 ms."""
    presets.PRESETS["fast"] = partial(tiny_preset, augment=0.25)
    planned.fit = partial(fit, save_every_s=0.05)
    if moment == "step":
        die_at_step(count)
    elif moment in ("half", "flushed", "renamed"):
        die_at_checkpoint(moment, count)
    else:
        die_at_file(moment)
    return main(command)


def tune(folder_of_trial: str | None, command: list[str]) -> int:
    """Run a search of the tiny space; die when the second checkpoint of a trial is in its place."""
    search_command.SearchSpace = TinySpace
    tuner.fit_in_subprocess = partial(tuner.fit_in_subprocess, save_every_s=0.0)
    if folder_of_trial:
        die_at_checkpoint("renamed", 2, folder_of_trial)
    return main(command)
