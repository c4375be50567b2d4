"""Every link in the project's pages to a file, or to a heading, of the project leads somewhere."""

import re

import pytest

from tests.conftest import ROOT

ROOMS = [room for room in ROOT.iterdir() if room.is_dir() and room.name != "runs" and not room.name.startswith(".")]
TEMPLATES = {"card.md", "space.md"}
PAGES = [*ROOT.glob("*.md"), *(page for room in ROOMS for page in room.rglob("*.md"))]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")


def headings(page):
    """Return the names that GitHub and the Hub give a page's headings."""
    titles = re.findall(r"^#+ +(.+?) *$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def missing(page):
    found = []
    for name, heading in LINK.findall(page.read_text()):
        target = page.parent / name if name else page
        if not target.exists() or (heading and target.suffix == ".md" and heading not in headings(target)):
            found.append(f"{name}#{heading}" if heading else name)
    return found


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    if page.name in TEMPLATES:
        pytest.skip("its links are filled in")
    assert missing(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page, there = tmp_path / "page.md", tmp_path / "there.md"
    there.write_text("# A *title*, twice\n")
    page.write_text(
        "[a](there.md) [b](there.md#a-title-twice) [c](https://x.org/y.md) ![d](gone.png) [e](there.md#gone) [f](#no)\n"
    )
    assert missing(page) == ["gone.png", "there.md#gone", "#no"]
