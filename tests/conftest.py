"""What several test modules share: the bundled sample, a short run, the command line, a loopback Hub."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The tests use no network: a test that forgets the loopback Hub fails immediately.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import atexit
import gc
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import datasets
import pytest
from filelock import FileLock
from huggingface_hub import HfFileSystem, constants

from tests.support.fake_hub import TOKEN, LoopbackHub

if "TRAZO_CACHE" not in os.environ:  # what is scanned and copied is not kept for the next run of the tests
    os.environ["TRAZO_CACHE"] = tempfile.mkdtemp(prefix="trazo-tests-")
    atexit.register(shutil.rmtree, os.environ["TRAZO_CACHE"], ignore_errors=True)

ROOT = Path(__file__).parent.parent
SAMPLE = str(ROOT / "training" / "sample")
RUN_OPTIONS = [
    *("--image-size", "14", "--trials", "1", "--trial-epochs", "1", "--trial-steps", "2"),
    *("--epochs", "2", "--steps-per-epoch", "4"),
]  # of `trained`


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Keep together what shares a browser, an app or a fork server, with `--dist loadfile`."""
    from tests.support.scheduling import SharedScheduling

    return SharedScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while the tests are imported: that stays, and looking through it takes seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True, scope="module")
def frozen_heap() -> None:
    """Exempt what is alive from garbage collection: Keras runs a full one, of half a second, after each trial."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def kept_logger() -> Generator[None]:
    """Have what a command sets for its messages end with the test."""
    logger = logging.getLogger("trazo")
    level, handlers = logger.level, logger.handlers
    yield
    logger.setLevel(level)
    logger.handlers = handlers


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run on the sample: one short trial, a short training, an evaluation."""
    from training.cli import main

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the first worker that needs the run makes it, each worker copies it
        shared = shared.parent
    folder = shared / "trained"
    with FileLock(shared / "trained.lock"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.tuning.trial_process.CAN_FORK", False)  # another process would import TensorFlow again
        # Does nothing if it is finished.
        assert main(["run", "--dataset", SAMPLE, "--output", str(folder), *RUN_OPTIONS]) == 0
    return Path(shutil.copytree(folder, tmp_path_factory.mktemp("run") / "run"))


@pytest.fixture
def training() -> Callable[..., subprocess.CompletedProcess]:
    """Run `python -m training …` in a separate process."""

    def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "training", *map(str, arguments)]
        environment = {**(env or os.environ), "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, cwd=ROOT)

    return run


def point_at_hub(
    monkeypatch: pytest.MonkeyPatch, hub: LoopbackHub, home: Path, token: bool = True, offline: bool = False
) -> None:
    """Point huggingface_hub and `datasets` at a loopback Hub; they read the environment only when they are imported."""
    HfFileSystem.clear_instance_cache()  # each instance keeps its endpoint and its listings
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.endpoint)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HF_UPDATE_DOWNLOAD_COUNTS", "0")  # a request of `datasets` to another host than the Hub
    monkeypatch.delenv("TRAZO_CACHE", raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
    else:
        monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.fixture
def use_hub(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return `point_at_hub` for the time of a test: `use_hub(hub, home, token=…, offline=…)`."""
    return partial(point_at_hub, monkeypatch)
