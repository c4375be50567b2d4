"""Memory that goes back to the system when a large picture is done with."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGE = 4_000_000  # bytes


def configure_trim() -> None:
    """Have glibc return whatever is larger than `LARGE` when it is freed; elsewhere nothing is done.

    Else each of the threads that pictures are decoded in keeps what its largest one took.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        # As glibc sets it beside the other, unless told; else every answer gives memory back, and takes it again.
        mallopt(M_TRIM_THRESHOLD, 2 * LARGE)
