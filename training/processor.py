"""The processor that something was measured on."""

import platform
import re
from pathlib import Path


def processor() -> str:
    """Return the processor's name and kind."""
    information = Path("/proc/cpuinfo")
    found = (
        re.search(r"^model name\s*: (.*)$", information.read_text(encoding="utf-8"), re.MULTILINE)
        if information.exists()
        else None
    )
    return f"{found[1] if found else platform.processor()} ({platform.machine()})"
