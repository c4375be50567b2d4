"""What the measurements share: a Hub on loopback, one process per measurement, and the file of results."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from tests.support.fake_hub import LoopbackHub
from training.processor import processor

DATASET = "ylecun/mnist"  # the id under which the folder is served
RESULTS = Path(__file__).with_name("RESULTS.md")
# A small network of two blocks and its recipe, for measurements of the input pipeline; presets change, these do not.
NETWORK = {
    "filters": (16, 32),
    "convolutions": 2,
    "dense_units": (64,),
    "dropout": 0.1,
    "dense_dropout": 0.2,
    "scaling": "z-score",
}
RECIPE = {"epochs": 4, "optimizer": "adamw", "learning_rate": 4e-3, "augment": 0.5}
PACKAGES = [
    "tensorflow",
    "keras",
    "keras-tuner",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pyarrow",
    "datasets",
    "huggingface-hub",
    "gradio",
    "torch",
    "webdataset",
    "mosaicml-streaming",
    "litdata",
]


@contextmanager
def served(data: Path) -> Iterator[tuple[LoopbackHub, dict[str, str]]]:
    """Serve a folder as `DATASET`; yield the Hub and the environment for a process that reads from it.

    The Hub runs in a thread of this process, which does nothing else while a measurement runs in another process.
    """
    with tempfile.TemporaryDirectory() as temporary, LoopbackHub(Path(temporary) / "hub") as hub:
        hub.add_repo(DATASET, folder=data)
        environment = hub.environ(Path(temporary) / "home") | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment.pop("TRAZO_CACHE", None)
        yield hub, environment


def measure(module: str, arguments: list[str], environment: dict[str, str], timeout: float = 3600) -> dict[str, Any]:
    """Run `python -m module` in a separate process; return the JSON object on the last line of its output.

    Raises:
        RuntimeError: with the last line of its errors, if it fails.
    """
    command = [sys.executable, "-m", module, *arguments]
    try:
        run = subprocess.run(command, env=environment, timeout=timeout, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"did not end within {timeout:.0f} s") from None
    if run.returncode:
        raise RuntimeError((run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1])
    return json.loads(run.stdout.splitlines()[-1])


def enlarge(data: Path, folder: Path, copies: int) -> Path:
    """Write a dataset whose training split is that of another, repeated many times; return its folder.

    The shards are hard links where the file system allows, so the copies cost no space.
    """
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns("train-*"))
    (shard,) = data.rglob("train-*.parquet")
    parent = folder / shard.parent.relative_to(data)
    parent.chmod(0o755)  # the copy of a read-only folder is read-only, too
    for number in range(copies):
        target = parent / f"train-{number:05}-of-{copies:05}.parquet"
        try:
            os.link(shard.resolve(), target)
        except OSError:
            shutil.copyfile(shard, target)
    return folder


def rate(values: list[float], digits: int = 0) -> str:
    """Return a median with its spread, such as `1,460 (1,430–1,490)`."""
    low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} ({low}–{high})" if len(values) > 1 else middle


def about(module: str, data: Path | None, *options: str) -> str:
    """Return the line under a table: command, machine, cores and versions."""
    # Only the end of a folder's path is shown: where data is kept is private.
    given = ["--data", "/".join(data.parts[-2:])] if data else []
    command = " ".join(["python -m", module, *given, *options])
    installed = {found.metadata["Name"].lower(): found.version for found in metadata.distributions()}
    versions = ", ".join(f"{name} {installed[name]}" for name in PACKAGES if name in installed)
    cores = len(os.sched_getaffinity(0))
    return f"`{command}` on {processor()}, {cores} cores, Python {platform.python_version()}, {versions}."


def named(folders: Mapping[str, Path | None], models: Sequence[str] | None) -> list[str]:
    """Return the options that chose folders and models, with the end of each path, as `about` shows them."""
    given = [f"--{name} {'/'.join(folder.parts[-2:])}" for name, folder in folders.items() if folder]
    return [*given, *(f"--model {'/'.join(Path(model).parts[-2:])}" for model in models or [])]


def report(title: str, text: str, write: bool, path: Path = RESULTS) -> None:
    """Print a section of the results; with `write`, replace its previous version in the file."""
    print(text, flush=True)
    if not write:
        return
    section = f"## {title}\n\n{text}\n"
    known = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    if pattern.search(known):
        known = pattern.sub(lambda found: section + ("\n" if found.end() < len(known) else ""), known)
    else:
        known += f"\n{section}"
    path.write_text(known, encoding="utf-8")
