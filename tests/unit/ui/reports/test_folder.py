"""A folder of reports: each is read once, and again when its file has changed."""

import pytest

from tests.support.run_reports import TRIALS, write
from ui.i18n import UserError
from ui.reports import parse
from ui.reports.folder import ReportFolder


def test_report_is_read_again_only_when_its_file_has_changed(folder, monkeypatch):
    reads = []
    read = parse.read_search
    monkeypatch.setattr(parse, "read_search", lambda path: reads.append(path) or read(path))
    reports = ReportFolder(folder)
    before = reports.stamp
    assert len(reports.search.trials) == len(reports.search.trials) == 5 and len(reads) == 1
    write(folder, "trials.json", TRIALS | {"trials": TRIALS["trials"][:3]})
    assert len(reports.search.trials) == 3 and len(reads) == 2 and reports.stamp != before


def test_report_that_appears_later_is_found(tmp_path):
    reports = ReportFolder(tmp_path)
    with pytest.raises(UserError):
        _ = reports.search
    write(tmp_path, "trials.json", TRIALS)
    assert reports.search.best.order == 2
