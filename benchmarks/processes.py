"""What a process and all below it take, as Linux counts it."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all below it."""
    found = [pid]
    for parent in found:
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):  # it has ended meanwhile
                found += map(int, path.read_text(encoding="ascii").split())
    return found


def pss(pid: int) -> float:
    """Return a process' proportional set size in MB; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def peak_memory(process: subprocess.Popen, pause_s: float = 0.1) -> float:
    """Wait for a process to end; return the largest sum of its PSS and that of all below it, in MB."""
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, sum(map(pss, family(process.pid))))
        time.sleep(pause_s)
    return peak


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open; 0 if it has ended."""
    return _entries(Path(f"/proc/{pid}/fd"))


def threads(pid: int) -> int:
    """Return how many threads a process has; 0 if it has ended."""
    return _entries(Path(f"/proc/{pid}/task"))


def _entries(folder: Path) -> int:
    with suppress(OSError):
        return sum(1 for _ in folder.iterdir())
    return 0
