from pathlib import Path

import keras
import numpy as np
import pytest

from model import CnnConfig
from model.network import build_network
from tests.conftest import SAMPLE
from training.config import TrainConfig
from training.loop import precision
from training.loop.trainer import fit
from training.stream import HubStream

CONFIG = CnnConfig(filters=(4,), dense_units=())


def processor(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    def read_text(path: Path) -> str:
        if text is None:
            raise FileNotFoundError(path)
        return text

    monkeypatch.setattr(precision.Path, "read_text", read_text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile", "bfloat16"),
        ("Features\t: fp asimd bf16 i8mm", "bfloat16"),
        ("flags\t\t: fpu avx2 avx512f", "float32"),
        (None, "float32"),
    ],
)
def test_bfloat16_is_used_where_the_processor_has_it(monkeypatch, text, expected):
    processor(monkeypatch, text)
    assert precision.usable_precision("bfloat16") == expected
    assert precision.usable_precision("float32") == "float32"


def test_layers_compute_in_bfloat16_while_weights_scaling_and_answers_are_float32():
    network = precision.in_precision("bfloat16", lambda: build_network(CONFIG))
    assert network.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in network.trainable_weights} == {"float32"}
    assert network.get_layer("scaling").compute_dtype == network.get_layer("output").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"  # of what is built next


def test_the_result_of_a_training_in_bfloat16_is_a_float32_network(monkeypatch):
    processor(monkeypatch, "avx512_bf16")
    settings = TrainConfig(epochs=1, steps_per_epoch=3, batch_size=32, precision="bfloat16")
    streams = HubStream(SAMPLE, seed=0, batch_size=32).hold_out(0.1)
    network, _ = fit(CONFIG, settings, *streams, verbose=False)
    assert network.get_layer("block1_conv1").compute_dtype == "float32"
    plain, _ = fit(CONFIG, TrainConfig(epochs=1, steps_per_epoch=3, batch_size=32), *streams, verbose=False)
    for one, other in zip(network.weights, plain.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0.02, atol=0.02)  # the same training, rounded
