"""Serve folders as repos of a Hub: `python -m tests.support.fake_hub --help`."""

import argparse
import signal
import tempfile
from pathlib import Path

from tests.support.fake_hub import LoopbackHub

REPO_TYPES = ("dataset", "model", "space")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.fake_hub", description="Serve folders as repos of a Hub."
    )
    for repo_type in REPO_TYPES:
        parser.add_argument(f"--{repo_type}", action="append", default=[], metavar="ID=FOLDER")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    options = parser.parse_args(arguments)
    # Blocked before the server's thread starts, so that the signal waits here and the folder is cleared away.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    with tempfile.TemporaryDirectory() as root, LoopbackHub(Path(root), options.port) as hub:
        for repo_type in REPO_TYPES:
            for repo_id, _, folder in (given.partition("=") for given in getattr(options, repo_type)):
                hub.add_repo(repo_id, repo_type, Path(folder))
        print(hub.endpoint, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
