"""A model's folder and config, without TensorFlow."""

import shutil

import pytest

from model.config import CnnConfig
from model.errors import ModelError
from model.io.locate import PRETRAINED, locate_model


def test_locate_model_without_a_name_is_the_bundled_one():
    folder, config = locate_model()
    assert folder == PRETRAINED and config == CnnConfig.from_file(PRETRAINED / "trazo.json")


def test_locate_model_folder_is_used_as_it_is(tmp_path):
    for name in ("trazo.json", "model.safetensors"):
        shutil.copy(PRETRAINED / name, tmp_path)
    assert locate_model(str(tmp_path))[0] == tmp_path


def test_locate_model_of_an_earlier_trazo_needs_one_new_name(tmp_path):
    shutil.copy(PRETRAINED / "trazo.json", tmp_path / "config.json")
    shutil.copy(PRETRAINED / "model.safetensors", tmp_path)
    (tmp_path / "checkpoint.safetensors").touch()  # a run keeps it
    with pytest.raises(ModelError, match="in a model of an earlier Trazo, rename config.json to trazo.json"):
        locate_model(tmp_path)
    (tmp_path / "config.json").rename(tmp_path / "trazo.json")
    assert locate_model(tmp_path)[1] == locate_model()[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trazo.json", None, "has no trazo.json"),
        ("model.safetensors", None, "has no model.safetensors"),
        ("trazo.json", b"{", "trazo.json"),
        ("model.safetensors", b"12", "does not match trazo.json"),
    ],
)
def test_locate_model_missing_or_damaged_file_is_named(tmp_path, name, content, message):
    for file in ("trazo.json", "model.safetensors"):
        shutil.copy(PRETRAINED / file, tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        locate_model(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
