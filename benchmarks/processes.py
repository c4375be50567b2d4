"""What a process and all below it take, as Linux counts it."""

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
