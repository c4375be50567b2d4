"""Models loaded in a separate process without TensorFlow: the Hub's variables are read at import.

python -m tests.support.load_process  # for each line `["owner/name", "revision or null"]` one line with the answer
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.fake_hub import LoopbackHub

ROOT = Path(__file__).parents[2]
PEAK = Path("/proc/self/clear_refs")  # Linux; elsewhere memory is not measured


class Loader:
    """Such a process, of a person with this HF_HOME."""

    def __init__(self, hub: LoopbackHub, home: Path, **environment: str) -> None:
        variables = {**hub.environ(home), "HF_HUB_OFFLINE": "0", "HF_HUB_ETAG_TIMEOUT": "2", **environment}
        command = [sys.executable, "-m", "tests.support.load_process"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, text=True, cwd=ROOT, env=variables, **pipes)
        assert self.answer() == "ready"

    def ask(self, name: str | Path, revision: str | None = None) -> None:
        print(json.dumps([str(name), revision]), file=self._process.stdin, flush=True)

    def answer(self) -> Any:
        line = self._process.stdout.readline()
        assert line, "the process died"
        return json.loads(line)

    def load(self, name: str | Path, revision: str | None = None) -> dict[str, Any]:
        """Return `folder` and `weights` (their hash), or `error`; and `memory`, the bytes taken meanwhile."""
        self.ask(name, revision)
        return self.answer()

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate()


def memory_of(call: Callable[[], Any]) -> tuple[Any, int]:
    """Return what a call returns, and by how many bytes this process grew at most meanwhile."""
    if not PEAK.exists():
        return call(), 0
    PEAK.write_text("5")  # the peak becomes what is taken now
    before = _peak()
    return call(), _peak() - before


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    from model import ModelError
    from model.io.locate import locate_model
    from model.io.weights import read_weights, weights_hash

    def load(name: str, revision: str | None) -> dict[str, str]:
        try:
            folder, config = locate_model(name, revision)
            read_weights(config, folder / "model.safetensors")
        except ModelError as error:
            return {"error": str(error)}
        return {"folder": str(folder), "weights": weights_hash(folder)}

    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        answer, memory = memory_of(lambda line=line: load(*json.loads(line)))
        print(json.dumps(answer | {"memory": memory}), flush=True)


if __name__ == "__main__":
    main()
