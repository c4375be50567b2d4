"""What large pictures took goes back to the system."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

SCRIPT = """
import re, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
import numpy as np
from ui.server.malloc import configure_trim

def megabytes():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

def work(_):
    for _ in range(4):
        pictures, small = [np.ones(12_000_000, np.uint8) for _ in range(3)], np.ones(1000)
        del pictures
    at_once.wait()

if "give back" in sys.argv:
    configure_trim()
at_once, before = Barrier(8), megabytes()
with ThreadPoolExecutor(8) as threads:
    list(threads.map(work, range(8)))
    print(megabytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's setting, and /proc")
def test_threads_keep_nothing_of_their_large_pictures():
    kept = [
        float(subprocess.run([sys.executable, "-c", SCRIPT, *given], cwd=ROOT, capture_output=True, check=True).stdout)
        for given in ([], ["give back"])
    ]
    assert kept[1] < 10 < kept[0]
