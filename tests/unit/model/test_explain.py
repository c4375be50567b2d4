"""Kernels, feature maps and saliency."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.config import ACTIVATIONS
from model.explain import Explainer
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training.stream import HubStream

CONFIG = CnnConfig(filters=(4, 8), convolutions=2, dense_units=(), scaling=Scaling("z-score", (33.0,), (78.0,)))


@pytest.fixture(scope="module")
def bundled():
    return CnnModel.from_pretrained()


@pytest.fixture(scope="module")
def digit():
    model = CnnModel.from_pretrained()
    batch = next(iter(HubStream(SAMPLE, "test", batch_size=1).ordered()))
    from model.preprocess.decode import decode

    return decode(batch.images[0], model.config.image_shape)


def fresh(**fields) -> CnnModel:
    keras.utils.set_random_seed(0)
    return CnnModel(replace(CONFIG, **fields))


def test_explain_kernels_and_feature_maps_have_layer_shapes(bundled, digit):
    explainer = Explainer(bundled)
    kernels = explainer.kernels()
    config = bundled.config
    blocks = list(enumerate(zip(config.filters, config.convolutions_of_blocks, strict=True), 1))
    assert list(kernels) == [f"block{b}_conv{c}" for b, (_, number) in blocks for c in range(1, number + 1)]
    assert {name: kernel.shape for name, kernel in kernels.items()} == config.kernel_shapes
    first, second, *_ = config.filters
    assert kernels["block1_conv1"].shape == (3, 3, 1, first) and kernels["block2_conv1"].shape == (3, 3, first, second)
    found = explainer.explain(digit)
    assert [m.shape for m in found.feature_maps.values()] == [
        (56 >> b, 56 >> b, filters) for b, (filters, number) in blocks for _ in range(number)
    ]
    assert all((maps >= 0).all() and maps.any() for maps in found.feature_maps.values())  # after the rectifier
    np.testing.assert_allclose(found.probabilities, bundled.predict([digit])[0], rtol=1e-5, atol=1e-7)


def test_explain_feature_map_is_the_kernels_output(digit):
    model = fresh(activation="relu", normalization="none")
    explainer = Explainer(model)
    kernel = explainer.kernels()["block1_conv1"][..., 0, 2]
    scaled = np.pad((digit[..., 0] - 33.0) / 78.0, 1)  # the layer pads with zeros after the scaling
    bias = model.network.get_layer("block1_conv1").bias.numpy()[2]
    expected = [[(scaled[y : y + 3, x : x + 3] * kernel).sum() + bias for x in range(28)] for y in range(28)]
    found = explainer.explain(digit).feature_maps["block1_conv1"][..., 2]
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("label", [0, 3])
def test_explain_saliency_is_a_pixels_part_of_the_log_odds(digit, label):
    """To first order: darkening a pixel by a hundredth changes the log-odds by a hundredth of its saliency."""
    model = fresh(activation="tanh", normalization="none", pooling="average")  # smooth, as a first order needs
    forward = keras.Model(model.network.input, model.network.get_layer("head").output)

    def odds(pixels: np.ndarray) -> float:
        z = forward(pixels[None]).numpy()[0].astype(float)
        return z[label] - np.log(np.exp(np.delete(z, label)).sum())

    saliency = Explainer(model).explain(digit, label).saliency
    assert saliency.shape == (28, 28) and not saliency[digit[..., 0] == 0].any()
    for y, x in np.argwhere(digit[..., 0] > 128)[::25]:
        darker, lighter = digit.astype(np.float32), digit.astype(np.float32)
        darker[y, x] *= 0.95
        lighter[y, x] *= 1.05
        assert np.isclose((odds(lighter) - odds(darker)) * 10, saliency[y, x], rtol=0.02, atol=1e-4)


def test_explain_confident_prediction_has_saliency(bundled, digit):
    found = Explainer(bundled).explain(digit)
    assert found.probabilities.max() > 0.999
    assert np.abs(found.saliency).max() > 0.01


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_explain_works_for_every_activation(digit, activation):
    found = Explainer(fresh(activation=activation)).explain(digit)
    assert len(found.feature_maps) == 4 and np.isfinite(found.saliency).all()


@pytest.mark.parametrize("task, labels, sums_to", [("binary", ("no", "yes"), 1), ("regression", ("weight",), None)])
def test_explain_works_for_other_tasks(digit, task, labels, sums_to):
    model = fresh(task=task, labels=labels, loss="")
    found = Explainer(model).explain(digit)
    assert found.probabilities.shape == (len(labels),)
    assert sums_to is None or np.isclose(found.probabilities.sum(), sums_to)
    if task == "binary":  # what speaks for one speaks against the other
        a, b = (Explainer(model).explain(digit, label).saliency for label in (0, 1))
        np.testing.assert_allclose(a, -b, rtol=1e-4, atol=1e-6)


def test_explain_invalid_arguments_are_refused(bundled, digit):
    with pytest.raises(ValueError, match=r"shape \(28, 28, 1\), not \(28, 28\)"):
        Explainer(bundled).explain(digit[..., 0])
    with pytest.raises(ValueError, match="unknown label 10; labels are 0 … 9"):
        Explainer(bundled).explain(digit, 10)
    for label in (1.5, "3"):
        with pytest.raises(ValueError, match="unknown label"):
            Explainer(bundled).explain(digit, label)
    with pytest.raises(ValueError, match="not finite numbers"):
        Explainer(bundled).explain(np.full(digit.shape, np.nan, np.float32))
