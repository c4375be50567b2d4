import os
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

import training.data.decode as decoding
from model.errors import StreamError
from tests.conftest import ROOT, SAMPLE
from tests.support.datasets import pictures, write_dataset
from training.data.decode import decoded_batches
from training.data.decode_worker import Decoder
from training.stream import HubStream

SHAPE = (28, 28, 1)


@pytest.fixture
def decoder():
    one = Decoder()
    yield one
    one.close()


def packed(images: list[bytes]) -> tuple[np.ndarray, list[int], None]:
    return np.frombuffer(b"".join(images), np.uint8), np.cumsum([0, *map(len, images)]).tolist(), None


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # a process that nobody waited for is none any more
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("decoders", [1, 3])
def test_batches_come_in_order_whatever_the_number_of_decoders(decoders, monkeypatch):
    monkeypatch.setattr(decoding, "DECODERS", decoders)
    monkeypatch.setattr(decoding, "MIN_TASK_BYTES", 30_000)
    stream = HubStream(SAMPLE, batch_size=64)
    expected = list(stream.epoch(2))
    found = list(decoded_batches(stream, stream.epoch(2), SHAPE))
    for (images, labels, ids), batch in zip(found, expected, strict=True):
        assert images.shape == (len(batch.labels), *SHAPE) and images.dtype == np.uint8
        assert ids.tolist() == batch.index.tolist() and labels.tolist() == batch.labels.tolist()


def test_each_thread_gets_the_answer_to_its_own_question(decoder):
    def ask(seed: int) -> None:
        for _ in range(20):
            images = pictures(seed + 1, seed=seed)
            ((pixels, bad),) = decoder.submit([packed(images)], (8, 8, 1))()
            right.append(len(pixels) == seed + 1 and not bad)

    right: list[bool] = []
    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(right) == 80 and all(right)


def test_answers_larger_than_a_pipe_hold_up_nobody(decoder):
    """Both sides write megabytes: whoever waited for the other to read would wait for ever."""
    images = pictures(3, (512, 512), seed=1)
    answers = [decoder.submit([packed(images)], (1024, 1024, 3)) for _ in range(6)]
    for answer in answers:
        ((pixels, _),) = answer()
        assert pixels.shape == (3, 1024, 1024, 3) and pixels.any()


def test_a_decoder_that_was_killed_is_told_and_replaced(monkeypatch):
    monkeypatch.setattr(decoding, "_shared", [])
    stream = HubStream(SAMPLE, batch_size=10)
    with pytest.raises(StreamError, match="a decoding process was ended from outside"):
        for _ in decoded_batches(stream, stream.epoch(0), SHAPE):
            for decoder in decoding._shared:
                decoder._process.send_signal(signal.SIGKILL)
                decoder._process.wait()
    assert sum(len(ids) for _, _, ids in decoded_batches(stream, stream.epoch(0), SHAPE)) == stream.rows
    for decoder in decoding._shared:
        decoder.close()


def test_after_an_interrupt_no_picture_comes_with_another_rows_label(tmp_path):
    """Ctrl-C at many moments, as in a notebook, where the process and its decoders live on."""
    script = f"""
import os, signal, threading, time
import numpy as np
from training.data.decode import decoded_batches
from training.stream import HubStream
stream = HubStream({SAMPLE!r}, batch_size=50)
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


def test_a_picture_that_no_decoder_understands_costs_one_row(tmp_path):
    ok, deep = cv2.imencode(".tiff", np.full((28, 28, 3), 3.5, np.float64))
    assert ok
    images = [*pictures(3, (28, 28)), deep.tobytes(), *pictures(2, (28, 28))]
    schema = Features({"image": Image(), "label": ClassLabel(names=["x", "y"])})
    stream = HubStream(write_dataset(tmp_path, schema, [{"image": images, "label": [0, 1] * 3}]))
    for _ in range(2):
        ((_, _, ids),) = decoded_batches(stream, stream.ordered(), (28, 28, 3))
        assert ids.tolist() == [0, 1, 2, 4, 5] and list(stream.skipped) == [3]


def test_who_waits_for_a_decoder_that_was_killed_is_told(monkeypatch):
    """Two readers share the decoders; neither gets another error than the one that says what happened."""
    monkeypatch.setattr(decoding, "_shared", [])
    monkeypatch.setattr(decoding, "MIN_TASK_BYTES", 1)
    stream = HubStream(SAMPLE, batch_size=10)
    readers = [decoded_batches(stream, stream.epoch(epoch), SHAPE) for epoch in range(2)]
    for reader in readers:
        next(reader)
    for decoder in decoding._shared:
        decoder._process.kill()
        decoder._process.wait()
    for reader in readers:
        with pytest.raises(StreamError, match="was ended from outside"):
            list(reader)


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks processes up in /proc")
def test_a_decoder_does_not_outlive_the_process_that_it_serves():
    script = (
        "import time; from training.data.decode_worker import Decoder; d = Decoder(); "
        "print(d._process.pid, flush=True); "
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
