"""Decoding batches in other processes."""

import os
import threading
import weakref
from collections.abc import Iterator

import cv2
import numpy as np
import PIL.Image
import pytest
from datasets import ClassLabel, Features, Image

import training.data.decode as decoding
from model.preprocess.cost import TOO_LARGE, TOO_SLOW
from model.preprocess.decode import decode_batch
from model.preprocess.facts import choose_pixel_format, image_facts_batch
from tests.conftest import SAMPLE
from tests.support.datasets import random_images, write_dataset
from tests.support.hostile_images import BOMBS
from tests.support.images import encode_16_bits, encode_image, photograph
from training.data import batches, decoder_process
from training.data.decode import decoded_batches, image_facts_batches
from training.data.decoder_process import DecoderProcess
from training.stream import HubStream

SHAPE = (28, 28, 1)


@pytest.fixture(scope="module")
def decoder():
    one = DecoderProcess()
    yield one
    one.close()


def packed(images: list[bytes]) -> tuple[np.ndarray, list[int], None]:
    return np.frombuffer(b"".join(images), np.uint8), np.cumsum([0, *map(len, images)]).tolist(), None


@pytest.mark.parametrize("decoders", [1, 3])
def test_decoded_batches_any_number_of_decoders_keeps_order(decoders, monkeypatch):
    monkeypatch.setattr(decoding, "DECODERS", decoders)
    monkeypatch.setattr(decoding, "MIN_TASK_BYTES", 30_000)
    stream = HubStream(SAMPLE, batch_size=64)
    expected = list(stream.epoch(2))
    found = list(decoded_batches(stream, stream.epoch(2), SHAPE))
    for (images, labels, ids), batch in zip(found, expected, strict=True):
        assert images.shape == (len(batch.labels), *SHAPE) and images.dtype == np.uint8
        assert ids.tolist() == batch.index.tolist() and labels.tolist() == batch.labels.tolist()


def test_decoded_batches_hold_no_batch_while_the_next_is_read(monkeypatch):
    """A batch of photographs holds its window: one more would be in memory."""
    monkeypatch.setattr(decoding, "MIN_TASK_BYTES", 1)
    stream = HubStream(SAMPLE, batch_size=512)
    is_gone = []

    def each_batch() -> Iterator[batches.Batch]:
        for batch in stream.epoch(0):
            reference = weakref.ref(batch)
            yield batch
            del batch
            is_gone.append(reference() is None)

    assert sum(len(labels) for _, labels, _ in decoded_batches(stream, each_batch(), SHAPE)) == stream.rows
    assert len(is_gone) == 7 and all(is_gone)


def test_decoder_several_threads_get_their_results(decoder):
    def ask(seed: int) -> None:
        for _ in range(20):
            images = random_images(seed + 1, seed=seed)
            ((pixels, bad),) = decoder.submit([packed(images)], (8, 8, 1))()
            right.append(len(pixels) == seed + 1 and not bad)

    right: list[bool] = []
    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(right) == 80 and all(right)


def test_decoder_results_larger_than_pipe_do_not_deadlock(decoder):
    """Both sides write megabytes: if one waited for the other to read, both would wait forever."""
    images = random_images(3, (512, 512), seed=1)
    answers = [decoder.submit([packed(images)], (1024, 1024, 3)) for _ in range(6)]
    for answer in answers:
        ((pixels, _),) = answer()
        assert pixels.shape == (3, 1024, 1024, 3) and pixels.any()


def test_image_facts_batches_keeps_every_row_in_order(tmp_path):
    images = [encode_16_bits(np.full((5, 7), 4000, np.uint16)), b"broken", *random_images(4, (9, 8))]
    schema = Features({"image": Image(), "label": ClassLabel(names=["x", "y"])})
    stream = HubStream(write_dataset(tmp_path, schema, [{"image": images, "label": [0, 1] * 3}]), batch_size=4)
    (first, labels, ids, reasons), (last, *_) = image_facts_batches(stream.ordered())
    assert ids.tolist() == [0, 1, 2, 3] and labels.tolist() == [0, 1, 0, 1] and len(last) == 2
    assert list(reasons) == [1] and "not an image" in reasons[1] and not stream.skipped
    assert first["width"].tolist() == [7, 0, 8, 8] and first["bits"].tolist() == [16, 0, 8, 8]
    assert (first == image_facts_batch(images[:4])[0]).all()
    chosen = choose_pixel_format(first)
    ((pixels, *_), _) = decoded_batches(stream, stream.ordered(), (5, 7, 1), chosen)
    assert (pixels[0] == 249).all() and chosen.white_level == 4095


@pytest.mark.parametrize("max_task_bytes", [3000, 1 << 23])
def test_decoded_batches_in_parts_equal_whole_ones(monkeypatch, max_task_bytes):
    """Windows of 100 rows, so that each batch of 300 comes from several."""
    stream = HubStream(SAMPLE, batch_size=300, window_rows=100)
    expected = list(decoded_batches(stream, stream.epochs([0, 1], start=2, steps=5), SHAPE))
    monkeypatch.setattr(batches, "MIN_PART_BYTES", 1)
    monkeypatch.setattr(decoding, "MAX_TASK_BYTES", max_task_bytes)
    parts = list(stream.epochs([0, 1], start=2, steps=5, in_parts=True))
    assert len(parts) > 2 * len(expected) == 2 * sum(part.is_complete for part in parts)
    for found, whole in zip(decoded_batches(stream, parts, SHAPE), expected, strict=True):
        for one, other in zip(found, whole, strict=True):
            np.testing.assert_array_equal(one, other)
    ids = [ids for _, _, ids in decoded_batches(stream, stream.ordered(in_parts=True), SHAPE)]
    assert np.concatenate(ids).tolist() == list(range(stream.rows)) and len(ids) == len(stream)


@pytest.mark.parametrize("limit", ["MAX_TASK_BYTES", "MAX_RESULT_BYTES"])
def test_decoded_batches_large_batch_is_cut_into_tasks(limit, monkeypatch, tmp_path):
    """A batch of photographs is hundreds of megabytes, of which each waiting task would hold a copy."""
    images = [*random_images(3, (28, 28)), b"broken", *random_images(9, (28, 28), seed=1)]
    schema = Features({"image": Image(), "label": ClassLabel(names=["x", "y"])})
    stream = HubStream(write_dataset(tmp_path, schema, [{"image": images, "label": [0, 1] * 6 + [0]}]), batch_size=8)
    expected = list(decoded_batches(stream, stream.ordered(), SHAPE))
    stream.skipped.clear()
    monkeypatch.setattr(decoding, limit, {"MAX_TASK_BYTES": 2 * len(images[0]), "MAX_RESULT_BYTES": 2 * 784}[limit])
    tasks = list(decoding._make_tasks(stream.ordered(), 784))
    assert max(sum(len(batch.labels) for batch in group) for group, _ in tasks) <= 3
    assert sum(is_complete for _, is_complete in tasks) == 2 and len(tasks) > 4
    for (images, labels, ids), whole in zip(decoded_batches(stream, stream.ordered(), SHAPE), expected, strict=True):
        assert (images == whole[0]).all() and labels.tolist() == whole[1].tolist() and ids.tolist() == whole[2].tolist()
    assert list(stream.skipped) == [3]


def test_decoded_batches_undecodable_image_skips_one_row(tmp_path):
    ok, deep = cv2.imencode(".tiff", np.full((28, 28, 3), 3.5, np.float64))
    assert ok
    images = [*random_images(3, (28, 28)), deep.tobytes(), *random_images(2, (28, 28))]
    schema = Features({"image": Image(), "label": ClassLabel(names=["x", "y"])})
    stream = HubStream(write_dataset(tmp_path, schema, [{"image": images, "label": [0, 1] * 3}]))
    for _ in range(2):
        ((_, _, ids),) = decoded_batches(stream, stream.ordered(), (28, 28, 3))
        assert ids.tolist() == [0, 1, 2, 4, 5] and list(stream.skipped) == [3]


@pytest.mark.parametrize("batch_size", [3, 100])
def test_decoded_batches_hostile_images_are_skipped_rows(tmp_path, batch_size):
    hostile = [BOMBS[name](400_000) for name in ("JPEG, empty segments", "PNG, empty chunks", "GIF, comments")]
    images = [*random_images(2), *hostile, *random_images(2, seed=1)]
    schema = Features({"image": Image(), "label": ClassLabel(names=["x", "y"])})
    folder = write_dataset(tmp_path, schema, [{"image": images, "label": [0, 1, 0, 1, 0, 1, 0]}])
    stream = HubStream(folder, batch_size=batch_size)
    for _ in range(2):
        found = list(decoded_batches(stream, stream.ordered(), SHAPE))
        assert [int(row) for _, _, ids in found for row in ids] == [0, 1, 5, 6]
        assert {row: "more than" in reason for row, reason in stream.skipped.items()} == {2: True, 3: True, 4: True}
    reasons = [reason for *_, found in image_facts_batches(stream.ordered()) for reason in found.values()]
    assert len(reasons) == 3 and all("save it again" in reason for reason in reasons)


@pytest.fixture
def hasty_decoder(monkeypatch) -> Iterator[DecoderProcess]:
    """A decoder that gives each image little time."""
    code = decoder_process.CHILD_CODE.replace(
        "from training", "from model.preprocess import cost; cost.MAX_CPU_S = 0.03; from training"
    )
    monkeypatch.setattr(decoder_process, "CHILD_CODE", code)
    one = DecoderProcess()
    yield one
    one.close()


def test_decoder_image_that_takes_too_long_is_left_out_alone(hasty_decoder):
    slow, quick = encode_image(photograph(1600, 1600)), random_images(3)
    batches = [packed([quick[0], slow, quick[1], slow, quick[2]]), packed(quick)]
    first = hasty_decoder.pid
    tasks = [hasty_decoder.submit(batches, (8, 8, 1)) for _ in range(3)]
    facts = hasty_decoder.submit_facts([packed([slow, quick[0]])])
    expected, _ = decode_batch([np.frombuffer(one, np.uint8) for one in quick], (8, 8, 1))
    for wait in tasks:
        (images, errors), (others, none) = wait()
        assert errors == {1: TOO_SLOW, 3: TOO_SLOW} and not none
        assert (images[[0, 2, 4]] == expected).all() and (others == expected).all() and not images[[1, 3]].any()
    ((found, reasons),) = facts()
    assert reasons == {0: TOO_SLOW} and found["width"].tolist() == [0, 8]
    assert hasty_decoder.is_alive and hasty_decoder.pid != first


def test_decoded_batches_image_that_takes_too_long_is_a_skipped_row(hasty_decoder, monkeypatch, tmp_path):
    monkeypatch.setattr(decoding, "_shared", [hasty_decoder])
    monkeypatch.setattr(decoding, "DECODERS", 1)
    slow = encode_image(photograph(1600, 1600))
    images = [*random_images(3), slow, *random_images(3, seed=1), slow, slow]
    schema = Features({"image": Image(), "label": ClassLabel(names=["x", "y"])})
    folder = write_dataset(tmp_path, schema, [{"image": images, "label": [0, 1, 0] * 3}])
    for start in (0, 1):
        stream = HubStream(folder, batch_size=4)
        rows = [row for batch in stream.epoch(1, start=start) for row in batch.index.tolist()]
        found = [int(row) for _, _, ids in decoded_batches(stream, stream.epoch(1, start=start), SHAPE) for row in ids]
        assert found == [row for row in rows if row not in (3, 7, 8)]
        assert set(stream.skipped.values()) == {TOO_SLOW}


def test_decoder_image_that_takes_too_much_memory_is_left_out(decoder):
    large = encode_image(PIL.Image.new("CMYK", (6_800, 6_800)), "TIFF", compression="packbits")
    ((images, errors),) = decoder.submit([packed([large, *random_images(2)])], (8, 8, 1))()
    assert errors == {0: TOO_LARGE} and images[1:].any()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_running_decoders_are_not_those_of_a_fork():
    assert decoding._running_decoders()
    if (pid := os.fork()) == 0:
        os._exit(len(decoding._shared))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_decoded_batches_without_a_usable_row_are_left_out(tmp_path, batch_size):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    images = [*random_images(4), {"bytes": b"no image", "path": None}, None, *random_images(1, seed=1)]
    labels = [0, -1, -1, -1, 1, 0, 1]
    stream = HubStream(write_dataset(tmp_path, features, [{"image": images, "label": labels}]), batch_size=batch_size)
    found = list(decoded_batches(stream, stream.ordered(), (8, 8, 1)))
    assert all(len(ids) for _, _, ids in found) and [int(row) for _, _, ids in found for row in ids] == [0, 6]
