"""Which tests run in the same process of pytest-xdist."""

import re

from xdist.scheduler import LoadFileScheduling

# Files whose tests share what takes seconds to start. Marks would not do: `--dist loadgroup` of pytest-xdist 3.8 has no
# effect in pytest 9.2.
SHARED = {
    "a browser": r"browser/test_(accessibility|edges|lens|network|page|policy)\.py",
    "another browser": r"browser/.*",
    "an app": r"integration/test_(app|api_clients|fuzz)\.py",
    "a fork server": r"integration/(training/(loop/test_(resume|workers)|tuning/.*)|ui/inference/test_supervisor)\.py",
}


class SharedScheduling(LoadFileScheduling):
    """The tests of a file run in one process, and so do those of all files that share something.

    They are handed out in their order: the browser tests, which take longest, are first, and the short unit tests last.
    """

    def __init__(self, config, log=None):
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((name for name, files in SHARED.items() if re.fullmatch(f"tests/{files}", file)), file)
