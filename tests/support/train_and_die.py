"""`python -m training …` in processes that kill themselves at a chosen moment.

    python -m tests.support.train_and_die

It reads lines of JSON, `[moment, count, [verb, …]]`, runs each in a separate process, and prints the exit code. The
processes are forked: the import of TensorFlow takes seconds. The moment is one of these; the command runs to its end if
it never comes.

    step       before the count-th step is counted
    half       when half of the count-th checkpoint is written, under its temporary name
    flushed    when the count-th checkpoint is written, under its temporary name
    renamed    when the count-th checkpoint is in its place
    a file     before the run's file of that name, such as training.json, is written
"""

import json
import os
import signal
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from training import commands, presets
from training.cli import main
from training.loop import checkpoint
from training.loop.progress_bar import EpochBar
from training.loop.state import Progress
from training.loop.trainer import fit


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


def die_at_checkpoint(moment: str, count: int) -> None:
    """Die while the `count`-th checkpoint is written."""
    write, calls = checkpoint.atomic_write, 0

    def counted_write(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
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


def run(moment: str, count: int, command: list[str]) -> None:
    """Run a command until the moment, and end this process."""
    os.dup2(2, 1)  # stdout is for exit codes
    fast = presets.fast()
    presets.PRESETS["fast"] = lambda: replace(fast, architecture=fast.architecture | {"dropout": 0.3})
    commands.fit = partial(fit, save_every_s=0.05)
    if moment == "step":
        die_at_step(count)
    elif moment in ("half", "flushed", "renamed"):
        die_at_checkpoint(moment, count)
    else:
        die_at_file(moment)
    status = main(command)
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    for line in sys.stdin:
        if not (pid := os.fork()):
            run(*json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
