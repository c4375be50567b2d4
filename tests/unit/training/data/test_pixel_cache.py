"""Decoded images that are kept for the next epoch: the same bits, even if the files are damaged."""

import errno
import os
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from model.pixel_format import PixelFormat
from tests.support.datasets import png, random_images, write_dataset
from training.data import cache, decode, pixel_cache
from training.data.pixel_cache import open_pixel_cache
from training.data.stream import HubStream
from training.pipeline import make_train_data

SHAPE = (12, 12, 3)
FEATURES = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})


@pytest.fixture
def stream(tmp_path, monkeypatch) -> HubStream:
    """A scanned stream of 60 images of a few kilobytes, one of which is damaged."""
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "cache"))
    images = random_images(60, shape=(40, 40, 3))
    images[17] = images[17][:100] + bytes(3000)
    write_dataset(tmp_path / "photos", FEATURES, [{"image": images, "label": [0, 1] * 30}])
    yield HubStream(str(tmp_path / "photos"), batch_size=8).with_content("0" * 16)
    pixel_cache._opened.clear()


def decoded(stream: HubStream, shape: tuple[int, int, int] = SHAPE) -> dict[int, bytes]:
    """Return row id -> pixels of an epoch as training reads it."""
    kept = open_pixel_cache(stream, shape, PixelFormat())
    groups = decode.decoded_groups(stream, stream.epoch(0), shape, PixelFormat(), kept)
    return {
        row: image.tobytes()
        for images, _, ids, _ in chain(*groups)
        for image, row in zip(images, ids.tolist(), strict=True)
    }


def refuse_to_decode(monkeypatch) -> None:
    def submit(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr(decode.DecoderProcess, "submit", submit)


def pixels_file(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache").rglob("pixels.bin")
    return found


def test_second_epoch_decodes_only_the_batch_with_a_damaged_image(stream, monkeypatch):
    first, tasks = decoded(stream), []
    assert len(first) == 59 and 17 not in first
    submit = decode.DecoderProcess.submit
    monkeypatch.setattr(decode, "MIN_TASK_BYTES", 1)  # a task for each batch
    monkeypatch.setattr(
        decode.DecoderProcess, "submit", lambda self, packed, *form: tasks.append(packed) or submit(self, packed, *form)
    )
    assert decoded(stream) == first and len(tasks) == 1
    stream = stream.select(np.arange(60) != 17)
    refuse_to_decode(monkeypatch)
    assert decoded(stream) == first


def test_next_process_finds_what_this_one_kept(stream, monkeypatch):
    stream = stream.select(np.arange(60) != 17)
    first = decoded(stream)
    pixel_cache._opened.clear()
    refuse_to_decode(monkeypatch)
    assert decoded(stream) == first


@pytest.mark.parametrize("damage", ["changed byte", "lost pixels", "cut short"])
def test_damaged_pixels_are_decoded_again(stream, tmp_path, damage):
    first = decoded(stream)
    pixel_cache._opened.clear()
    path = pixels_file(tmp_path)
    content = bytearray(path.read_bytes())
    if damage == "changed byte":
        content[1000] ^= 1
    elif damage == "lost pixels":
        content = bytes(len(content))
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    assert decoded(stream) == first


def test_full_disk_ends_the_keeping_and_not_the_training(stream, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pixel_cache.os, "pwrite", full)
    first = decoded(stream)
    assert len(first) == 59 and "no longer kept for the next epoch: No space left on device" in caplog.text
    assert decoded(stream) == first


def test_files_that_were_not_scanned_are_known_by_their_time(stream, tmp_path):
    dataset = str(tmp_path / "photos")
    decoded(HubStream(dataset, batch_size=8))
    rows = np.array([0])
    assert open_pixel_cache(HubStream(dataset), SHAPE, PixelFormat()).find(rows) is not None
    (shard,) = (tmp_path / "photos").rglob("*.parquet")
    os.utime(shard, (1, 1))
    assert open_pixel_cache(HubStream(dataset), SHAPE, PixelFormat()).find(rows) is None


def test_sizes_and_formats_are_kept_apart(stream):
    decoded(stream)
    assert len(decoded(stream, (20, 20, 1))[0]) == 400
    assert open_pixel_cache(stream, SHAPE, PixelFormat(white_level=4095)).find(np.array([0])) is None
    assert open_pixel_cache(stream, SHAPE, PixelFormat()).find(np.array([0])) is not None


def test_nothing_is_kept_of_small_images_or_large_results(stream, tmp_path, monkeypatch):
    path = tmp_path / "small"
    write_dataset(path, FEATURES, [{"image": [png(np.zeros((8, 8), np.uint8))] * 4, "label": [0, 1] * 2}])
    assert open_pixel_cache(HubStream(str(path)).with_content("1" * 16), SHAPE, PixelFormat()) is None
    monkeypatch.setattr(pixel_cache, "MAX_BYTES", 1000)
    assert open_pixel_cache(stream, SHAPE, PixelFormat()) is None


def test_what_was_not_used_for_longest_makes_room(stream, tmp_path, monkeypatch):
    decoded(stream)
    pixel_cache._opened.clear()
    size = sum(file.stat().st_size for file in pixels_file(tmp_path).parent.iterdir())
    monkeypatch.setattr(pixel_cache, "MAX_BYTES", size * 3 // 2)
    assert open_pixel_cache(stream, (12, 11, 3), PixelFormat()) is not None
    assert pixels_file(tmp_path).stat().st_size == 60 * 12 * 11 * 3


def test_kept_images_are_listed_and_removed_with_the_cache(stream):
    decoded(stream)
    (entry,) = cache.choose_entries(cache.list_cache(), "pixels")
    assert entry.name == stream.source.dataset and entry.bytes >= 60 * 12 * 12 * 3
    assert cache.remove_entries([entry])[1] == []
    assert not entry.path.exists() and cache.choose_entries(cache.list_cache(), "pixels") == []


def test_training_gets_the_same_images_with_and_without(stream, monkeypatch):
    def epochs() -> list[np.ndarray]:
        return [images.numpy() for images, _ in make_train_data(stream, 0, epochs=2, image_shape=SHAPE)]

    with_cache = epochs()
    monkeypatch.setattr(pixel_cache, "MAX_BYTES", 0)
    for one, other in zip(with_cache, epochs(), strict=True):
        np.testing.assert_array_equal(one, other)
