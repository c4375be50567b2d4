"""The precision of a training: bfloat16 where the processor supports it."""

import keras
import pytest

from model import CnnConfig
from model.network import build_network
from training.loop.precision import dtype_policy, usable_precision


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile", "bfloat16"),
        ("Features\t: fp asimd bf16 i8mm", "bfloat16"),
        ("flags\t\t: fpu avx2 avx512f", "float32"),
        (None, "float32"),
    ],
)
def test_usable_precision_follows_processor(tmp_path, text, expected):
    cpu_info = tmp_path / "cpuinfo"
    if text is not None:
        cpu_info.write_text(text)
    assert usable_precision("bfloat16", cpu_info) == expected
    assert usable_precision("float32", cpu_info) == "float32"


def test_dtype_policy_bfloat16_layers_keep_float32_weights_scaling_and_output():
    network = build_network(CnnConfig(filters=(4,), dense_units=()), dtype_policy("bfloat16"))
    assert network.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in network.trainable_weights} == {"float32"}
    assert network.get_layer("scaling").compute_dtype == network.get_layer("output").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"  # of networks built later
