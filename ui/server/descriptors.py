"""The limit of open files and connections of this process, `ulimit -n`."""

import sys

MAX_DESCRIPTORS = 65_536  # more would slow programs that look at each possible one
DEFAULT_DESCRIPTORS = 1024  # where there is no such limit


def raise_descriptor_limit() -> int:
    """Raise this process's limit as far as the system allows it, and return it."""
    if sys.platform == "win32":
        return DEFAULT_DESCRIPTORS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS refuses some values below its hard limit
            return soft
        return wanted
    return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
