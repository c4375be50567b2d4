"""What runs on the rented machine: continue a run from its copy on the bucket, save it regularly, publish it."""

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.logs import show
from training.remote.snapshots import Snapshots, restore

PROGRAM = (sys.executable, "-m", "training")
SAVE_INTERVAL_S = 60.0
TERMINATED = 128 + signal.SIGTERM  # exit status, as in a shell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, then publish.

    Args:
        arguments: see `build_parser`; None for those of this process.

    Returns:
        the exit status: that of the first step that fails, or 0.
    """
    options = build_parser().parse_args(arguments)
    folder = Path(tempfile.gettempdir()) / "trazo" / options.name
    continues = restore(options.store, folder)
    show("continuing from the last copy of the run" if continues else "a new run")
    with _saved(Snapshots(options.store, folder)):
        status = _call(["run", *options.words, "--output", str(folder)])
        if status == 0:
            status = _call(["publish", str(folder), "--repo", options.push_to, *options.publish])
    return status


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `training.remote.launch` writes the arguments."""
    parser = argparse.ArgumentParser(prog="python -m training.remote.job", description=__doc__)
    parser.add_argument("--name", required=True, help="of the run")
    parser.add_argument("--store", type=Path, required=True, help="mounted folder of a bucket")
    parser.add_argument("--push-to", required=True, help="owner/name of the model")
    parser.add_argument("--publish", action="append", default=[], metavar="WORD", help="one more argument of publish")
    parser.add_argument("words", nargs="*", help="after --: the arguments of run")
    return parser


def _call(words: list[str]) -> int:
    """Run a verb in a process; when this one is terminated, so is that."""
    with subprocess.Popen([*PROGRAM, *words]) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


@contextlib.contextmanager
def _saved(snapshots: Snapshots) -> Iterator[None]:
    """Save a run regularly, and at the end, also when the machine is to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    ended = threading.Event()

    def save_regularly() -> None:
        while not ended.wait(SAVE_INTERVAL_S):
            _try_to_save(snapshots)

    thread = threading.Thread(target=save_regularly)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _try_to_save(snapshots)


def _try_to_save(snapshots: Snapshots) -> None:
    try:
        snapshots.save()
    except OSError as error:  # of the bucket or the disk: the training is worth more
        show(f"trazo: the run could not be copied to the bucket: {error}", "stderr")


if __name__ == "__main__":
    sys.exit(main())
