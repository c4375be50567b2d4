"""Check the installed packages for known holes: `python scripts/check_advisories.py`, part of `.ci/audit`.

Reads the list in advisories.toml next to it, for machines from which pip-audit cannot reach its database.
"""

import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.version import Version

ADVISORIES = tomllib.loads(Path(__file__).with_suffix("").with_name("advisories.toml").read_text(encoding="utf-8"))


def find_holes(installed: Callable[[str], str] = version) -> list[str]:
    """Return a line for each installed package with a known hole.

    Args:
        installed: returns a package's version, or raises PackageNotFoundError.
    """
    holes = []
    for package, advisory in ADVISORIES["packages"].items():
        try:
            found = installed(package)
        except PackageNotFoundError:
            continue
        safe = advisory.get("safe")
        if safe is None:
            holes.append(f"{package} {found}: {advisory['why']}; uninstall it")
        elif Version(found) < Version(safe):
            holes.append(f"{package} {found}: {advisory['why']}; install {safe} or newer")
    return holes


def main() -> None:
    """Print the holes; exit code 1 if there are any."""
    holes = find_holes()
    for line in holes:
        print(line)
    if not holes:
        print(f"no package with a hole that was known on {ADVISORIES['checked']}")
    sys.exit(bool(holes))


if __name__ == "__main__":
    main()
