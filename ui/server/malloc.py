"""Settings of glibc's allocator that return the memory of large images to the system."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
MMAP_THRESHOLD_BYTES = 4_000_000


def configure_trim() -> None:
    """Have glibc return blocks above `MMAP_THRESHOLD_BYTES` when they are freed; does nothing on other systems.

    Without this, each thread that decodes images keeps as much memory as its largest image took.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        # Twice as much is what glibc derives by itself, but no longer does once the other one is set. Without it,
        # memory would be returned and taken again for every request.
        mallopt(M_TRIM_THRESHOLD, 2 * MMAP_THRESHOLD_BYTES)
