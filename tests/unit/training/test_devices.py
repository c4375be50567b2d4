"""What is chosen where there is a GPU. None is needed: TensorFlow's lists of devices are replaced."""

from types import SimpleNamespace

from model.backend import tf
import numpy as np
import pytest

from model.config import CnnConfig
from training import devices
from training.config import TrainConfig
from training.loop import steps
from training.loop.precision import usable_precision
from training.loop.trainer import create_train_state


def pretend(monkeypatch, *capabilities: tuple[int, int]) -> list[SimpleNamespace]:
    """Let TensorFlow list GPUs; what is placed on them is placed on the processor."""
    gpus = [SimpleNamespace(compute_capability=one) for one in capabilities]
    listed = lambda kind: gpus if kind == "GPU" else []  # noqa: E731
    monkeypatch.setattr(tf.config, "list_physical_devices", listed)
    monkeypatch.setattr(devices, "FIRST_GPU", "/CPU:0")
    monkeypatch.setattr(tf.config.experimental, "get_device_details", vars)
    return gpus


def test_memory_of_each_gpu_grows(monkeypatch):
    gpus, grown = pretend(monkeypatch, (8, 6), (8, 6)), []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, grows: grown.append((gpu, grows)))
    devices.let_gpu_memory_grow()
    assert grown == [(gpu, True) for gpu in gpus]


def test_memory_of_a_gpu_in_use_stays_as_it_is(monkeypatch):
    pretend(monkeypatch, (8, 6))

    def refuse(*_: object) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    devices.let_gpu_memory_grow()


@pytest.mark.parametrize(
    ("capabilities", "expected"), [(((8, 0),), "bfloat16"), (((7, 5),), "float32"), (((9, 0), (7, 0)), "float32")]
)
def test_precision_is_one_that_every_gpu_has(monkeypatch, tmp_path, capabilities, expected):
    pretend(monkeypatch, *capabilities)
    assert usable_precision("bfloat16", tmp_path / "none") == expected
    assert usable_precision("float32", tmp_path / "none") == "float32"


def test_batches_on_a_device_are_the_same(monkeypatch):
    data = tf.data.Dataset.range(10).batch(4)
    assert devices.prefetch_to_gpu(data) is data
    pretend(monkeypatch, (8, 0))
    moved = devices.prefetch_to_gpu(data)
    assert moved is not data
    assert [batch.numpy().tolist() for batch in moved] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_steps_compiled_with_xla_compute_the_same(monkeypatch):
    config = CnnConfig(filters=(3,), convolutions=1, dense_units=(), image_shape=(8, 8, 1))
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1)).astype(np.float32)
    labels, settings = np.arange(6), TrainConfig(precision="float32")

    def sums() -> list[np.ndarray]:
        train_step, eval_step = steps.compile_steps(create_train_state(config, settings, 10), config, settings)
        return [train_step(images, labels).numpy(), eval_step(images, labels)[0].numpy()]

    plain, compiled = sums(), []
    monkeypatch.setattr(steps, "has_gpu", lambda: compiled.append(True) or True)
    np.testing.assert_allclose(sums(), plain, rtol=1e-4)
    assert compiled
