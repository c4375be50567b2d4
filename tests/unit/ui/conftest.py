"""The reports that several modules show: a search with every kind of trial, and a small run."""

from pathlib import Path

import pytest

from tests.support.run_reports import EVALUATION, TRAINING, TRIALS, write
from tests.support.search_report import read_report
from ui.reports.search import Search


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return read_report(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the reports of a small run."""
    for name, report in (("trials", TRIALS), ("training", TRAINING), ("evaluation", EVALUATION)):
        write(tmp_path, f"{name}.json", report)
    return tmp_path
