"""Backbones' repos: what is taken from them, and what is refused."""

import numpy as np
import pytest

from model import CnnConfig
from model.errors import ModelError
from model.network import build_network
from tests.support.backbones import CONFIG, NAME, random_tensors, write_backbone
from training.transfer.backbone import open_backbone


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    return random_tensors()


@pytest.fixture
def folder(tmp_path, tensors):
    return write_backbone(tmp_path / "lite", tensors=tensors)


def test_backbone_card_and_scaling_are_taken(folder):
    backbone = open_backbone(str(folder))
    about = backbone.about
    assert (about.name, about.revision, about.architecture, about.license) == ("lite", None, NAME, "apache-2.0")
    assert about.datasets == ["imagenet-1k"] and not about.frozen
    assert backbone.scaling.method == "backbone"
    np.testing.assert_allclose(
        (backbone.scaling.offset, backbone.scaling.scale), [[102, 127.5, 153], [51, 63.75, 76.5]]
    )


def test_backbone_without_a_card_is_taken(folder):
    (folder / "README.md").unlink()
    about = open_backbone(str(folder)).about
    assert about.license is None and about.datasets == []


def test_backbone_gives_a_network_its_weights(folder, tensors):
    network = build_network(CnnConfig(backbone=NAME, filters=(), dense_units=(), image_shape=(32, 32, 3)))
    open_backbone(str(folder)).assign_to(network)
    np.testing.assert_array_equal(network.get_layer("bn1").gamma.numpy(), tensors["bn1.weight"])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"architecture": "vit_base"},
            "names the architecture 'vit_base'; a backbone in timm's layout is one of .*lite0",
        ),
        ({"architecture": ["x"]}, "names no architecture"),
        ({}, "names no architecture"),
        ([], "names no architecture"),
        ({"class_name": "Functional"}, "is Keras' own: give a model of Trazo to --start-from instead of --backbone"),
        ({"architecture": NAME}, "has no usable pretrained_cfg.mean"),
        (CONFIG | {"pretrained_cfg": {"mean": [1, 2], "std": [1, 2]}}, "has no usable pretrained_cfg.mean"),
        (CONFIG | {"pretrained_cfg": {"mean": [1, 2, 3], "std": [1, 0, 2]}}, "has no usable pretrained_cfg.mean"),
        (CONFIG | {"pretrained_cfg": {"mean": "abc", "std": None}}, "has no usable pretrained_cfg.mean"),
    ],
)
def test_backbone_of_another_kind_is_refused(tmp_path, tensors, config, message):
    folder = write_backbone(tmp_path / "other", config, tensors)
    with pytest.raises(ModelError, match=message):
        open_backbone(str(folder))


def test_backbone_damaged_files_are_refused(folder, tensors):
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    for changed, message in (
        (content[:1000], "has 1,000 bytes; efficientnet_lite0 has 11,"),
        ((1 << 40).to_bytes(8, "little") + content[8:], "has a header of 1,099,511,627,776 bytes"),
        (content[:8] + b"}" + content[9:], "cannot be read"),
    ):
        weights.write_bytes(changed)
        with pytest.raises(ModelError, match=message):
            open_backbone(str(folder)).assign_to(None)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="config.json cannot be read"):
        open_backbone(str(folder))


def test_backbone_tensors_missing_or_not_finite_are_refused(tmp_path, tensors):
    network = build_network(CnnConfig(backbone=NAME, filters=(), dense_units=(), image_shape=(32, 32, 3)))
    less = {name: tensor for name, tensor in tensors.items() if name != "bn1.running_var"}
    with pytest.raises(ModelError, match="no tensor 'bn1.running_var'"):
        open_backbone(str(write_backbone(tmp_path / "less", tensors=less))).assign_to(network)
    broken = tensors | {"bn1.bias": np.full(32, np.nan, np.float32)}
    with pytest.raises(ModelError, match="bn1.bias holds values that are not finite"):
        open_backbone(str(write_backbone(tmp_path / "broken", tensors=broken))).assign_to(network)
