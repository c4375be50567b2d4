"""Decoder processes that are killed or interrupted."""

import os
import signal
import subprocess
import sys
import time

import pytest

import training.data.decode as decoding
from model.errors import StreamError
from tests.conftest import ROOT, SAMPLE
from training.data.decode import decoded_batches
from training.data.decoder_process import DecoderProcess
from training.stream import HubStream

SHAPE = (28, 28, 1)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # a process that nobody waited for has ended, too
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def kill(decoder: DecoderProcess) -> None:
    if decoder.is_alive:
        os.kill(decoder.pid, signal.SIGKILL)
    while decoder.is_alive:
        time.sleep(0.001)


def test_decoded_batches_killed_decoder_is_error_then_replaced(monkeypatch):
    monkeypatch.setattr(decoding, "_shared", [])
    stream = HubStream(SAMPLE, batch_size=10)
    with pytest.raises(StreamError, match=r"a decoding process was ended from outside \(SIGKILL\)"):
        for _ in decoded_batches(stream, stream.epoch(0), SHAPE):
            for decoder in decoding._shared:
                kill(decoder)
    assert sum(len(ids) for _, _, ids in decoded_batches(stream, stream.epoch(0), SHAPE)) == stream.rows
    for decoder in decoding._shared:
        decoder.close()


def test_decoded_batches_after_ctrl_c_match_their_rows(tmp_path):
    """Ctrl-C at many moments, as in a notebook, where the process and its decoders continue."""
    script = f"""
import os, signal, threading, time
import numpy as np
from training.data.decode import decoded_batches
from training.stream import HubStream
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
stream = HubStream({SAMPLE!r}, "test", batch_size=50)
def read():
    return {{int(row): image for images, _, ids in decoded_batches(stream, stream.epoch(0), {SHAPE})
            for row, image in zip(ids, images)}}
expected, interrupted = read(), 0
for attempt in range(25):
    timer = threading.Timer(0.002 * attempt, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        for _ in range(20):
            read()
    except KeyboardInterrupt:
        interrupted += 1
    timer.join()
    found = read()
    assert all((found[row] == image).all() for row, image in expected.items()) and len(found) == len(expected)
print(interrupted)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 15


def test_decoded_batches_two_readers_killed_decoder_is_error(monkeypatch):
    """Two readers share the decoders; both get the error that says what happened."""
    monkeypatch.setattr(decoding, "_shared", [])
    monkeypatch.setattr(decoding, "MIN_TASK_BYTES", 1)
    stream = HubStream(SAMPLE, batch_size=10)
    readers = [decoded_batches(stream, stream.epoch(epoch), SHAPE) for epoch in range(2)]
    for reader in readers:
        next(reader)
    for decoder in decoding._shared:
        kill(decoder)
    for reader in readers:
        with pytest.raises(StreamError, match="was ended from outside"):
            list(reader)


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks processes up in /proc")
def test_decoder_parent_killed_ends():
    script = (
        "import time; from training.data.decoder_process import DecoderProcess; d = DecoderProcess(); "
        "print(d.pid, flush=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)
