"""What several test modules share: the bundled sample, tiny datasets, a tiny trained run."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The tests never reach out: whoever forgets the loopback Hub gets an error at once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent
SAMPLE = str(ROOT / "training" / "sample")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run made by the real functions on the sample: one short trial, a short training, an evaluation."""
    from training.cli import main

    everybodys = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # made by the first worker that needs it, copied by each
        everybodys = everybodys.parent
    folder = everybodys / "trained"
    options = ["--trials", "1", "--trial-epochs", "1", "--trial-steps", "2", "--epochs", "2", "--steps-per-epoch", "12"]
    with FileLock(everybodys / "trained.lock"):
        # Where it is made already this does nothing.
        assert main(["run", "--dataset", SAMPLE, "--output", str(folder), *options]) == 0
    return Path(shutil.copytree(folder, tmp_path_factory.mktemp("run") / "run"))


@pytest.fixture
def training() -> Callable[..., subprocess.CompletedProcess]:
    """Run `python -m training …` in a process of its own."""

    def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "training", *map(str, arguments)]
        environment = {**(env or os.environ), "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, cwd=ROOT)

    return run
