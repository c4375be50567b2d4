"""How a process ends that has threads of tf.data."""

import subprocess
import sys

import pytest

# The thread keeps the process alive, as one of tf.data does that waits for an interpreter which shuts down.
CODE = """
import threading
from training.processes import exit_with
threading.Thread(target=threading.Event().wait).start()
def call():
    print("called")
    {act}
exit_with(call)
"""


@pytest.mark.parametrize(("act", "code"), [("return 75", 75), ("raise KeyError('a bug')", 1)])
def test_exit_with_ends_the_process_although_a_thread_waits(act, code):
    command = [sys.executable, "-c", CODE.format(act=act)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (ended.returncode, ended.stdout) == (code, "called\n")
    assert ("KeyError: 'a bug'" in ended.stderr) is (code == 1)
