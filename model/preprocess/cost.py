"""What decoding one image may cost, and how a process is held to it.

`check_structure` refuses what is made to harm, by rules that depend on nothing but the bytes. These limits are the last
resort against what it does not know. They act on Linux; other systems have no limit of a process' memory.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

MAX_CPU_S = 1.9  # to decode one image; then the process is ended
MAX_MEMORY_MB = 300  # above what the process had before
TOO_SLOW = f"it takes more than {MAX_CPU_S:g} seconds to decode"
TOO_LARGE = f"it takes more than {MAX_MEMORY_MB} MB of memory to decode"
NO_MEMORY = -4  # OpenCV's code
CPU_SIGNAL = getattr(signal, "SIGPROF", None)  # which ends a process, and is sent at the limit


@contextmanager
def limited_cpu() -> Iterator[None]:
    """End this process with `CPU_SIGNAL` if the block takes more than `MAX_CPU_S` of CPU time, in all its threads.

    The signal has no handler: one of Python's would wait until the decoder returns.
    """
    if CPU_SIGNAL is None:  # Windows
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, MAX_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@contextmanager
def limited_memory(megabytes: int = MAX_MEMORY_MB) -> Iterator[None]:
    """Let allocations of the block fail with `MemoryError` above so many megabytes more than the process has now."""
    if sys.platform != "linux":
        yield
        return
    import resource

    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + megabytes * 1_000_000
    allowed = [limit for limit in limits if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(wanted, *allowed, wanted), limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an allocation failed, in Python or in OpenCV."""
    return isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == NO_MEMORY)


def describe_failure(error: Exception) -> str:
    """Return why an image cannot be decoded."""
    return TOO_LARGE if is_out_of_memory(error) else str(error)
