"""The forms of data.json: text for the terminal, lines of a run, JSON, and a page."""

import json
import re
from html.parser import HTMLParser

import pytest

from model.io.reports.inspection import DataReport
from tests.conftest import SAMPLE
from tests.unit.training.data.inspection.conftest import MARKUP
from training.cli import main
from training.config import DataConfig
from training.data.inspection.page import render_page
from training.data.inspection.report import inspect_dataset
from training.data.inspection.text import MAX_LINES, format_report, short_lines
from training.data.inspection.words import share


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_format_report_says_everything_in_few_lines(messy):
    text = format_report(inspect_dataset(DataConfig(messy)).report)
    lines = text.splitlines()
    assert len(lines) <= MAX_LINES and max(map(len, lines)) <= 120
    for part in (f"{MARKUP} 31", "notes.txt", "broken.png", "3 (row", "labeled", "20×20", "Look at this", "validation"):
        assert part in text, part


def test_format_report_of_hundreds_of_kinds_is_bounded(messy):
    report = inspect_dataset(DataConfig(messy)).report
    files = report.datasets[0].files
    files.left_out = [files.left_out[0].model_copy(update={"reason": f".{n} files"}) for n in range(500)]
    report.datasets[0].splits *= 10
    lines = format_report(report).splitlines()
    assert len(lines) <= MAX_LINES and any("more lines: --json or --html shows all" in line for line in lines)


def test_format_report_control_characters_are_escaped(letters):
    report = inspect_dataset(DataConfig(letters)).report
    report.datasets[0].splits[0].classes[0].name = "A\x1b[2J\n\u202eB"
    for text in (format_report(report), *short_lines(report)):
        assert "\x1b" not in text and "\u202e" not in text
    assert "A\\x1b[2J" in format_report(report)


def test_short_lines_are_at_most_eight(messy, letters):
    for dataset in (messy, letters):
        lines = short_lines(inspect_dataset(DataConfig(dataset)).report)
        assert len(lines) <= 8 and not any("\n" in line for line in lines)
        assert "images in column image, labels in column label" in lines[0]
        assert any(line.startswith("input of the network: ") for line in lines)


@pytest.mark.parametrize(
    ("number", "total", "expected"),
    [(0, 5, "0 %"), (5, 5, "100 %"), (9999, 10000, "99.9 %"), (1, 100000, "0.1 %"), (0.5, 1, "50.0 %")],
)
def test_share_only_all_and_none_are_round(number, total, expected):
    assert share(number, total) == expected


def test_page_is_one_file_that_loads_and_runs_nothing(messy):
    page = Page(render_page(inspect_dataset(DataConfig(messy))))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "form", "b"}
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert len(sources) >= 4 and all(one.startswith("data:image/") for one in sources)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count(MARKUP) >= 4  # as text, not as a tag
    for part in ("notes.txt", "broken.png", "Found more than once", "different labels", "nothing to see", "viewport"):
        assert part in page.text or any(part in str(attributes) for _, attributes in page.tags), part
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'")


def test_page_shows_an_image_of_each_class(letters, photographs):
    for dataset, classes, kind in ((letters, 3, "png"), (photographs, 2, "png")):
        page = Page(render_page(inspect_dataset(DataConfig(dataset))))
        alts = {attributes["alt"] for tag, attributes in page.tags if tag == "img" and kind in attributes["src"]}
        assert len(alts & {"A", "B", "C", "plane", "car"}) == classes


def test_inspect_json_is_the_report_and_nothing_else(messy, capsys):
    assert main(["inspect", messy, "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.isascii()
    assert DataReport.parse(json.loads(out), "data.json") == inspect_dataset(DataConfig(messy)).report
    assert "not used" not in err


def test_inspect_html_writes_a_page_and_the_text(letters, tmp_path, capsys):
    path = tmp_path / "new" / "page.html"
    assert main(["inspect", letters, "--html", str(path), "--label-column", "name"]) == 0
    assert re.search(r"labels +column name ", capsys.readouterr().out)
    assert path.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing/folder/of/images"], "neither a folder"),
        ([SAMPLE, "--label-column", "digit"], "no label column 'digit'"),
        ([SAMPLE, "--split", "dev"], "no split 'dev'"),
        ([SAMPLE, "--html", "README.md/page.html"], "is a file"),
    ],
)
def test_inspect_unusable_dataset_is_one_line_and_status_2(arguments, message, capsys):
    assert main(["inspect", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1
