"""model.safetensors: the tensors that a config asks for, and no others."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from model.config import CnnConfig
from model.errors import ModelError
from model.io.weights import check_size, check_weights, matches_weights, read_weights, weights_hash

CONFIG = CnnConfig(filters=(2,), convolutions=1, dense_units=(), normalization="none", ood_threshold=1.0)


def make_tensors() -> dict[str, np.ndarray]:
    shapes = CONFIG.weight_shapes | CONFIG.extra_tensor_shapes
    return {name: np.full(shape, 0.5, np.float32) for name, shape in shapes.items()}


def test_read_weights_returns_every_tensor_by_name(tmp_path):
    save_file(make_tensors(), tmp_path / "model.safetensors")
    found = read_weights(CONFIG, tmp_path / "model.safetensors")
    assert {name: tensor.shape for name, tensor in found.items()} == CONFIG.weight_shapes | CONFIG.extra_tensor_shapes
    assert all((tensor == 0.5).all() for tensor in found.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head/bias": None}, r"missing \['head/bias'\]"),
        ({"other": np.zeros(1, np.float32)}, r"not asked for \['other'\]"),
        ({"head/bias": np.zeros((10, 1), np.float32)}, r"head/bias is F32 \(10, 1\), trazo.json asks for F32 \(10,\)"),
        ({"head/bias": np.zeros(10, np.float64)}, r"head/bias is F64 \(10,\)"),
    ],
)
def test_check_weights_other_tensors_are_refused(tmp_path, change, message):
    tensors = {name: tensor for name, tensor in (make_tensors() | change).items() if tensor is not None}
    tensors.setdefault("padding", np.zeros(1, np.float32)) if "head/bias" not in tensors else None
    save_file(tensors, tmp_path / "w", metadata={"padding": " " * 100})
    with pytest.raises(ModelError, match=message):
        check_weights(CONFIG, tmp_path / "w")


@pytest.mark.parametrize("content", [b"", b"\xff" * 3000, b"\0" * 3000])
def test_check_weights_damaged_file_is_one_line_error(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        check_weights(CONFIG, tmp_path / "w")
    assert str(tmp_path / "w") in str(caught.value) and "\n" not in str(caught.value)


def test_read_weights_values_not_finite_are_refused(tmp_path):
    tensors = make_tensors()
    tensors["head/kernel"][0, 0] = np.nan
    save_file(tensors, tmp_path / "w")
    check_weights(CONFIG, tmp_path / "w")
    with pytest.raises(ModelError, match="head/kernel holds values that are not finite"):
        read_weights(CONFIG, tmp_path / "w")


def test_check_size_allows_a_header_and_no_more():
    floats = sum(tensor.size for tensor in make_tensors().values())
    most = check_size(CONFIG, None, "w")  # unknown
    for size in (4 * floats, 4 * floats + 5000, most):
        assert check_size(CONFIG, size, "w") == most
    for size in (4 * floats - 1, 4 * floats + (2 << 20)):
        with pytest.raises(ModelError, match=f"asks for {floats:,} float32: it has {size:,} bytes"):
            check_size(CONFIG, size, "w")


def test_matches_weights_of_another_file_or_none_is_false(tmp_path):
    assert not matches_weights(None, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"a")
    known = weights_hash(tmp_path)
    assert matches_weights(known, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"b")
    assert not matches_weights(known, tmp_path) and not matches_weights(None, tmp_path)
