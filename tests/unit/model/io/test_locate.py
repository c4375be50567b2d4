"""A model's folder and config, without TensorFlow."""

import shutil

import pytest

from model.config import CnnConfig
from model.errors import ModelError
from model.io.locate import PRETRAINED, locate_model


def test_locate_model_without_a_name_is_the_bundled_one():
    folder, config = locate_model()
    assert folder == PRETRAINED and config == CnnConfig.from_file(PRETRAINED / "config.json")


def test_locate_model_folder_is_used_as_it_is(tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(PRETRAINED / name, tmp_path)
    assert locate_model(str(tmp_path))[0] == tmp_path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, "has no config.json"),
        ("model.safetensors", None, "has no model.safetensors"),
        ("config.json", b"{", "config.json"),
        ("model.safetensors", b"12", "does not match config.json"),
    ],
)
def test_locate_model_missing_or_damaged_file_is_named(tmp_path, name, content, message):
    for file in ("config.json", "model.safetensors"):
        shutil.copy(PRETRAINED / file, tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        locate_model(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
