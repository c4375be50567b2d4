"""The page's network, run by Node.js, compared with Keras."""

import json
import re
from base64 import b64decode
from shutil import which

import keras
import numpy as np
import pytest

from model import CnnConfig, CnnModel, TrazoError
from model.scaling import Scaling
from model.target_scaling import TargetScaling
from training.release import html_page
from training.release.html_page import load_page, write_page

needs_node = pytest.mark.skipif(not which("node"), reason="no Node.js")
BINARY = {"task": "binary", "labels": ("no", "yes")}
NUMBER = {"task": "regression", "labels": ("age",)}
FURTHER = {"filters": (4, 8), "dense_units": (16,), "dropout": 0.3, "scaling": Scaling("z-score", (33.0,), (78.0,))}
NETWORKS = {
    "plain": {"pooling": "average", "temperature": 1.3},
    "number": {"activation": "leaky_relu", "dense_units": (), "target_scaling": TargetScaling(3e-6, 2e-6)} | NUMBER,
    "prelu": {"activation": "prelu", "normalization": "layer"},
    "no normalization": {"activation": "sigmoid", "normalization": "none", "loss": "hinge"},
    "color, odd sides": {"activation": "tanh", "image_shape": (33, 20, 3)} | BINARY,
    "stride": {"activation": "swish", "pooling": "stride"},
    "large kernels": {"activation": "elu", "convolutions": (2, 1), "kernel_size": 5},
    "even kernel": {
        "filters": (3,),
        "convolutions": 1,
        "kernel_size": 4,
        "pooling": "stride",
        "image_shape": (9, 7, 1),
    },
    "gelu": {"activation": "gelu", "normalization": "layer"},
    "residual": {"blocks": "residual", "convolutions": 3, "stem_filters": 5, "image_shape": (32, 32, 3)},
    "residual counts": {"blocks": "residual", "convolutions": (1, 5), "loss": "poisson"} | NUMBER,
}


def make_model(**options) -> CnnModel:
    """Return a model with random weights, the normalizations of which are like those of a trained one."""
    keras.utils.set_random_seed(0)
    cnn = CnnModel(CnnConfig(**{**FURTHER, **options}))
    rng = np.random.default_rng(0)
    for weight in cnn.network.weights:  # a fresh batch normalization does nothing
        if "_norm/" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return cnn


@needs_node
@pytest.mark.parametrize("name", NETWORKS)
def test_page_computes_what_keras_computes(name, tmp_path):
    cnn = make_model(**NETWORKS[name])
    pixels = np.random.default_rng(0).integers(0, 256, (3, *cnn.config.image_shape), np.uint8).astype(np.float32)
    write_page(cnn, tmp_path / "index.html")
    found, wanted = load_page(tmp_path / "index.html")(pixels), cnn.network(pixels, training=False).numpy()
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-5 * max(np.abs(wanted).max(), cnn.config.target_offset_and_scale[1])


def test_page_holds_the_model_and_nothing_that_a_title_or_label_could_inject(tmp_path):
    evil = "</script><script>alert(1)</script>{{ model }}"
    cnn = make_model(title=evil, labels=(evil, "b"), task="binary", filters=(4,))
    write_page(cnn, tmp_path / "index.html")
    html = (tmp_path / "index.html").read_text()
    [data] = re.findall(r'<script type="application/json" id="model">(.*?)</script>', html, re.DOTALL)
    model = json.loads(data)
    assert model["labels"] == [evil, "b"] and model["title"] == evil
    assert html.count("<script") == 2 and "<title>&lt;/script&gt;" in html
    folded = [weight for weight in cnn.network.weights if "_norm/" not in weight.path]
    assert len(b64decode(model["weights"])) >= 4 * sum(np.prod(weight.shape) for weight in folded)
    assert "default-src 'none'" in html and "unsafe-inline" not in html


def test_page_of_a_network_it_cannot_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(html_page, "MAX_PAGE_PARAMETERS", 10)
    with pytest.raises(TrazoError, match=r"html: the network has [\d,]+ weights, a page holds 10; use onnx"):
        write_page(make_model(), tmp_path / "index.html")
    backbone = CnnModel.__new__(CnnModel)  # whose network is never looked at
    backbone.config = CnnConfig(backbone="efficientnet_lite0", filters=(), dense_units=(), image_shape=(64, 64, 3))
    with pytest.raises(TrazoError, match="not for those with a backbone"):
        write_page(backbone, tmp_path / "index.html")
