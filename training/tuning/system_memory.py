"""Processes that Linux has ended because the machine ran out of memory."""

from pathlib import Path
from typing import Any


def count_oom_kills() -> int:
    """Return how many processes Linux has ended for lack of memory since the machine started; 0 on other systems."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def oom_kill_snapshot() -> dict[str, Any]:
    """Return the count as `kills`, and as `boot` an id of the machine's start, since which it is counted."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        boot = ""
    return {"boot": boot, "kills": count_oom_kills()}
