"""Rows of a training that could not be used: each worker knows those of all, and the first one logs them."""

import json
import logging

from training.data.stream import HubStream
from training.loop.workers import Workers

logger = logging.getLogger("trazo")


class SkippedRows:
    """The rows of some streams that could not be used, in any of the workers that train together."""

    def __init__(self, workers: Workers, *streams: HubStream) -> None:
        """Start without any.

        Args:
            workers: that train together.
            streams: whose rows they are; those that `hold_out` made share one log, of which the first reports the rows
                of both.
        """
        self._workers, self._streams = workers, streams
        self._shared: set[tuple[int, int]] = set()  # (number of the log, row) of all that is known everywhere

    def report(self) -> None:
        """Tell each worker what the others have found, and log it in the first one, each row once."""
        if self._workers.size > 1:
            self._share()
        if self._workers.is_first:
            for stream in self._streams:
                if summary := stream.take_skip_summary():
                    logger.warning(summary)

    def _share(self) -> None:
        logs = list({id(stream.skipped): stream.skipped for stream in self._streams}.values())
        # A copy of each: the thread that reads the next batches adds to it.
        found = [(log, row, reason) for log, rows in enumerate(logs) for row, reason in dict(rows).items()]
        for text in self._workers.gather_texts(json.dumps([one for one in found if one[:2] not in self._shared])):
            for log, row, reason in json.loads(text):
                logs[log][row] = reason
                self._shared.add((log, row))
