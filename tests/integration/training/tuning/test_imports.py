"""Importing the tuner changes nothing outside of it."""

import subprocess
import sys

from tests.conftest import ROOT


def test_importing_the_tuner_does_not_change_kerastuner():
    command = [sys.executable, "-m", "tests.support.import_tuner"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
