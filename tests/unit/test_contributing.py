"""CONTRIBUTING.md shows the packages that there are, and every path it names exists."""

import re

from tests.conftest import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TABLE = PAGE.split("## Where everything is")[1].split("Outside the packages")[0]


def packages() -> set[str]:
    found = {file.parent for top in ("model", "training", "ui") for file in (ROOT / top).rglob("__init__.py")}
    return {path.relative_to(ROOT).as_posix() for path in found} - {"ui"}


def test_contributing_table_lists_every_package():
    assert set(re.findall(r"^\| `([\w/]+)` \|", TABLE, re.MULTILINE)) == packages()


def test_contributing_paths_exist():
    named = re.findall(r"`((?:model|training|ui|tests|benchmarks|scripts|docs)/[\w./]+\.(?:py|md|json))`", PAGE)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []
