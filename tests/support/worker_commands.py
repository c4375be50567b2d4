"""Commands that stand for a training in tests of who starts, watches and ends its workers."""

import json
import os
import signal
import time
from pathlib import Path


def run(arguments: list[str]) -> int:
    """Do what the worker's file in a folder says: exit with a code, kill itself, or sleep; count the starts."""
    folder, rank = Path(arguments[0]), json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    starts = folder / f"starts-{rank}"
    number = len(starts.read_text()) if starts.exists() else 0
    starts.write_text("x" * (number + 1))
    (folder / f"pid-{rank}").write_text(str(os.getpid()))
    (folder / f"gpu-{rank}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    acts = json.loads((folder / "acts.json").read_text())[rank]
    act = acts[min(number, len(acts) - 1)]
    if act == "sleep":
        time.sleep(600)
    if act == "die":
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return int(act)
