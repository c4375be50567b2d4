"""Rows that could not be used: what a worker sends to the others, and what the first one logs."""

import json
from types import SimpleNamespace

from training.loop.skipped_rows import SkippedRows
from training.loop.workers import ALONE


class OtherWorker:
    """Stands for two workers, of which the other one has found one row."""

    size, is_first = 2, True

    def __init__(self) -> None:
        self.sent: list[str] = []

    def gather_texts(self, text: str) -> list[str]:
        self.sent.append(text)
        return [text, json.dumps([[0, 7, "no image"]])]


class GrowingDict(dict):
    """Another thread adds to it while it is read item by item."""

    def items(self):
        for row, reason in super().items():
            yield row, reason
            self[row + 100] = "added"


def stream(skipped: dict[int, str], summary: str = "") -> SimpleNamespace:
    return SimpleNamespace(skipped=skipped, take_skip_summary=lambda: summary)


def test_report_sends_each_row_once():
    log, own = {3: "no label"}, {3: "cut off"}
    workers = OtherWorker()
    skipped = SkippedRows(workers, *map(stream, (log, log, own)))
    for _ in range(2):
        skipped.report()
    assert log == {3: "no label", 7: "no image"} and own == {3: "cut off"}
    log[9] = "no image"
    skipped.report()
    expected = [[[0, 3, "no label"], [1, 3, "cut off"]], [], [[0, 9, "no image"]]]
    assert [json.loads(text) for text in workers.sent] == expected


def test_report_while_another_thread_adds_some():
    rows = GrowingDict({1: "cut off"})
    SkippedRows(OtherWorker(), stream(rows)).report()
    assert {1, 7} <= rows.keys()


def test_report_is_logged_by_the_first_worker_alone(caplog):
    train, validation = stream({1: "cut off"}, "skipped 1 row of train: 1 (cut off)"), stream({})
    SkippedRows(ALONE, train, validation).report()
    assert caplog.messages == ["skipped 1 row of train: 1 (cut off)"]
    other = OtherWorker()
    other.is_first = False
    SkippedRows(other, train, validation).report()
    assert len(caplog.messages) == 1 and len(other.sent) == 1
