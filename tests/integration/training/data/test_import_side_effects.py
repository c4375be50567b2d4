"""Importing and using the library leaves the caller's process as it was."""

import subprocess
import sys

from tests.conftest import ROOT, SAMPLE

SNAPSHOT = """
import logging, os, sys, warnings
import datasets, fsspec, huggingface_hub, pyarrow
from datasets import config
from huggingface_hub.utils import _http

def snapshot():
    loggers = {name: logging.getLogger(name).level for name in list(logging.root.manager.loggerDict)}
    return {
        "environment": dict(os.environ),
        "memory pool": pyarrow.default_memory_pool().backend_name,
        "datasets.config": {name: repr(value) for name, value in vars(config).items() if name.isupper()},
        "client factory": _http._GLOBAL_CLIENT_FACTORY,
        "client": _http._GLOBAL_CLIENT,
        "logging": {name: level for name, level in loggers.items() if level},
        "root logger": (logging.root.level, list(logging.root.handlers)),
        "warnings": list(warnings.filters),
    }

before = snapshot()
"""
COMPARE = """
after = snapshot()
print([name for name in before if before[name] != after[name]])
"""


def changed_by(script: str) -> str:
    """Return what a script changes in a fresh process."""
    command = [sys.executable, "-c", SNAPSHOT + script + COMPARE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_stream_and_model_changes_nothing():
    assert changed_by("import training.stream, model") == "[]"


def test_stream_local_epoch_changes_nothing():
    changed = changed_by(f"from training.stream import HubStream; list(HubStream({SAMPLE!r}).epoch(0))")
    assert changed in ("[]", "['warnings']")  # a library that `datasets` imports late adds a filter


def test_configure_changes_what_it_says():
    """Proves that the comparison sees a change."""
    script = "from training.data.parquet.hub_client import configure; configure()"
    assert changed_by(script) == "['memory pool', 'datasets.config', 'client factory', 'logging']"
