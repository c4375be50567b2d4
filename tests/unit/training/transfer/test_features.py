"""Frozen features: those of every row in file order, kept on disk, and continued after a stop."""

import errno
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from model import CnnConfig
from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from tests.unit.training.test_commands import CLASSES
from training.data import cache
from training.data.parquet.locks import LOCK
from training.data.stream import HubStream
from training.pipeline import make_eval_data
from training.transfer import features
from training.transfer.features import compute_features

CONFIG = CnnConfig(
    filters=(3,), convolutions=1, dense_units=(), image_shape=(8, 8, 3), labels=("a", "b"), task="binary"
)


class StoppedError(Exception):
    """Raised instead of a kill."""


@pytest.fixture(scope="module")
def network():
    """A stand-in for a backbone."""
    images = keras.Input((8, 8, 3))
    means = keras.layers.GlobalAveragePooling2D(name="features")(keras.layers.Conv2D(3, 3)(images))
    return keras.Model(images, keras.layers.Dense(1)(means))


@pytest.fixture
def stream(tmp_path, monkeypatch) -> HubStream:
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(features, "BATCH_ROWS", 8)
    images = random_images(50)
    images[7] = b"no image"
    dataset = write_dataset(tmp_path / "pets", CLASSES, [{"image": images, "label": [0, 1] * 25}])
    return HubStream(dataset, batch_size=8)


def test_features_are_the_means_of_the_last_maps_of_each_usable_row(network, stream):
    found = compute_features(network, CONFIG, stream, "sha")
    images = np.concatenate([batch.numpy() for batch, _ in make_eval_data(stream, image_shape=(8, 8, 3))])
    inner = keras.Model(network.input, network.get_layer("features").output)
    assert found.values.shape == (49, 3) and found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, inner(images).numpy(), rtol=1e-5, atol=1e-6)
    assert found.labels.tolist() == [n % 2 for n in range(50) if n != 7]


def test_features_are_computed_once(network, stream, monkeypatch):
    first = compute_features(network, CONFIG, stream, "sha")
    monkeypatch.setattr(features, "make_eval_data", lambda *_, **__: pytest.fail("read again"))
    monkeypatch.setattr(features, "_compile", lambda *_: pytest.fail("compiled again"))
    again = compute_features(network, CONFIG, stream, "sha")
    np.testing.assert_array_equal(first.values, again.values)
    with pytest.raises(pytest.fail.Exception):
        compute_features(network, CONFIG, stream, "of other weights")


def test_features_are_those_of_a_training_with_other_batches(network, stream, monkeypatch):
    first = compute_features(network, CONFIG, stream, "sha")
    monkeypatch.setattr(features, "make_eval_data", lambda *_, **__: pytest.fail("read again"))
    np.testing.assert_array_equal(first.values, compute_features(network, CONFIG, stream.rebatch(16), "sha").values)


def test_features_full_disk_is_named_and_what_is_kept_continues(network, stream, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(features, "open", full, raising=False)
        with pytest.raises(TrazoError, match="features cannot be kept in .*: No space left on device; make room there"):
            compute_features(network, CONFIG, stream, "sha")
    assert len(compute_features(network, CONFIG, stream, "sha").labels) == 49


def test_features_are_listed_and_removed_with_the_cache(network, stream):
    compute_features(network, CONFIG, stream, "sha")
    (entry,) = cache.choose_entries(cache.list_cache(), "features")
    assert entry.name == stream.source.dataset and entry.bytes > 49 * 3 * 4
    assert cache.remove_entries([entry])[1] == []
    assert cache.choose_entries(cache.list_cache(), "features") == []


def test_features_are_computed_by_one_process_at_a_time(network, stream, caplog):
    folder = features._folder(CONFIG, stream, "sha")
    folder.mkdir(parents=True)
    hold = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); print(); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", hold, folder / LOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other, caplog.at_level("INFO", "trazo"), ThreadPoolExecutor(1) as pool:
        other.stdout.readline()
        waiting = pool.submit(compute_features, network, CONFIG, stream, "sha")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=1)
        (entry,) = cache.choose_entries(cache.list_cache(), "features")
        assert cache.remove_entries([entry])[1] == [entry]
        other.communicate("\n")
        assert len(waiting.result().labels) == 49
    assert "waiting for another process" in caplog.text


def test_features_continue_after_a_stop(network, stream, monkeypatch):
    whole = compute_features(network, CONFIG, stream, "whole")
    monkeypatch.setattr(features, "SAVE_INTERVAL_S", 0)
    compiled, calls = features._compile(network, CONFIG), []

    def stop_after_three(images):
        calls.append(len(images))
        if len(calls) == 4:
            raise StoppedError
        return compiled(images)

    monkeypatch.setattr(features, "_compile", lambda *_: stop_after_three)
    with pytest.raises(StoppedError):
        compute_features(network, CONFIG, stream, "stopped")
    found = compute_features(network, CONFIG, stream, "stopped")
    assert len(calls) == 8 and sum(calls[4:]) == 49 - sum(calls[:3])  # three batches of seven were kept
    np.testing.assert_array_equal(found.values, whole.values)
    np.testing.assert_array_equal(found.labels, whole.labels)
