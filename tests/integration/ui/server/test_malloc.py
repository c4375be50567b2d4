"""Memory of large images is returned to the system."""

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

def resident_mb():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

def work(_):
    for _ in range(4):
        images, small = [np.ones(12_000_000, np.uint8) for _ in range(3)], np.ones(1000)
        del images
    barrier.wait()

if "configured" in sys.argv:
    configure_trim()
barrier, before = Barrier(8), resident_mb()
with ThreadPoolExecutor(8) as threads:
    list(threads.map(work, range(8)))
    print(resident_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's setting, and /proc")
def test_configure_trim_threads_return_memory():
    kept_mb = [
        float(subprocess.run([sys.executable, "-c", SCRIPT, *given], cwd=ROOT, capture_output=True, check=True).stdout)
        for given in ([], ["configured"])
    ]
    assert kept_mb[1] < 10 < kept_mb[0]
