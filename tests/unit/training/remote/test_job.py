"""What runs on a rented machine, with a program instead of Trazo's that counts how often it was started."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from training.remote import job

PROGRAM = """
import pathlib, sys, time
verb, *words = sys.argv[1:]
if verb == "run":
    folder = pathlib.Path(words[words.index("--output") + 1])
    count = folder / "count"
    count.write_text(str(int(count.read_text() if count.exists() else 0) + 1))
    print("run", count.read_text(), words[:-2], flush=True)
    if "--wait" in words:
        time.sleep(60)
    sys.exit(3 if "--fail" in words else 0)
print(verb, (pathlib.Path(words[0]) / "count").read_text(), words[1:], flush=True)
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Start the job on a machine with an empty disk; returns its process. The bucket is kept."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    start = (
        f"from training.remote import job; job.PROGRAM = {(sys.executable, str(program))}; raise SystemExit(job.main())"
    )
    disks = iter(range(100))

    def start_job(*words: str) -> subprocess.Popen:
        disk = tmp_path / f"disk{next(disks)}"
        disk.mkdir()
        arguments = ["--name", "digits", "--store", str(tmp_path / "bucket"), "--push-to", "me/digits"]
        return subprocess.Popen(
            [sys.executable, "-c", start, *arguments, "--publish=--private", "--", *words],
            env=os.environ | {"TMPDIR": str(disk), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )

    return start_job


def test_job_that_failed_continues_on_another_machine_and_publishes(machine):
    failed = machine("--classes", "a b", "--fail")
    assert failed.communicate()[0].splitlines() == ["a new run", "run 1 ['--classes', 'a b', '--fail']"]
    assert failed.returncode == 3
    done = machine("--classes", "a b")
    assert done.communicate()[0].splitlines() == [
        "continuing from the last copy of the run",
        "run 2 ['--classes', 'a b']",
        "publish 2 ['--repo', 'me/digits', '--private']",
    ]
    assert done.returncode == 0


def test_job_told_to_end_saves_the_run_and_ends_its_process(machine):
    ended = machine("--wait")
    for line in ended.stdout:
        if line.startswith("run 1"):
            break
    ended.send_signal(signal.SIGTERM)
    started = time.monotonic()
    assert ended.wait() == job.TERMINATED and time.monotonic() - started < 50
    assert "run 2 []" in machine().communicate()[0]
