"""No version with a known hole is installed, allowed by a list of requirements, or accepted by the check."""

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from scripts.check_advisories import ADVISORIES, find_holes
from tests.conftest import ROOT

LISTS = ("ui", "ui/server", "training", "training/release", "tests")
PACKAGES = ADVISORIES["packages"]


@pytest.mark.parametrize("name", LISTS)
def test_requirements_allow_no_version_with_a_known_hole(name):
    lines = (ROOT / name / "requirements.txt").read_text().splitlines()
    for requirement in (Requirement(line) for line in lines if line and not line.startswith("#")):
        advisory = PACKAGES.get(requirement.name.lower().replace("_", "-"))
        if advisory:
            floors = [Version(one.version) for one in requirement.specifier if one.operator in (">=", "==")]
            assert floors and max(floors) >= Version(advisory["safe"]), f"{requirement}: {advisory['why']}"


def test_extras_allow_the_same_pydantic():
    """The extra `mcp` of Gradio allows fewer versions than Gradio: installed later, it must not change any."""
    from importlib.metadata import requires

    lines = (ROOT / "ui" / "requirements.txt").read_text().splitlines()
    (own,) = (Requirement(line) for line in lines if line.startswith("pydantic"))
    asked = (Requirement(line) for line in requires("gradio") or [])
    (extra,) = (one for one in asked if one.name == "pydantic" and one.marker and one.marker.evaluate({"extra": "mcp"}))
    assert own.specifier == extra.specifier


@pytest.mark.parametrize("package", PACKAGES)
def test_find_holes_names_each_old_version_and_no_safe_one(package):
    safe = PACKAGES[package].get("safe")
    (line,) = [line for line in find_holes(lambda _: "0.0.1") if line.startswith(f"{package} 0.0.1: ")]
    assert line.endswith(f"install {safe} or newer" if safe else "uninstall it")
    assert not [line for line in find_holes(lambda _: safe or "0") if line.startswith(f"{package} ") and safe]
