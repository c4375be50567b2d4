"""`model.backend`: the same networks, weights and predictions, also where other code has set others in Keras."""

import os
import subprocess
import sys

from model.backend import keras_defaults
import numpy as np

from model import CnnConfig, CnnModel
from model.explain import Explainer
from model.losses import make_loss
from model.network import build_network
from tests.support.others_settings import others_settings, settings

SETTINGS = "keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format()"
SCRIPT = f"""
import json, os
before = dict(os.environ)
from model import CnnModel
import numpy as np
from model.backend import keras, tf
assert tf.keras.Model is keras.Model
changed = {{name for name in before.keys() | os.environ.keys() if before.get(name) != os.environ.get(name)}}
assert not {{name for name in changed if "KERAS" in name}}, changed
print(keras.backend.backend(), {SETTINGS}, keras.config.max_epochs())
print(CnnModel.from_pretrained().predict([np.eye(28, dtype=np.uint8) * 255]).tobytes().hex())
"""


def test_keras_defaults_are_restored():
    with others_settings(), keras_defaults():
        assert settings() == ("float32", 1e-7, "channels_last", "float32")


def test_build_network_is_the_same_under_others_settings():
    with others_settings():
        network = build_network(CnnConfig(filters=(4,), dense_units=()))
        loss = make_loss("multiclass", "sparse_categorical_crossentropy", 10)
    assert network.output_shape == (None, 10) and {weight.dtype for weight in network.weights} == {"float32"}
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert loss.dtype == "float32"


def test_pretrained_model_answers_the_same_under_others_settings():
    image = [np.eye(28, dtype=np.uint8) * 255]
    expected = predictions(image)
    with others_settings():
        assert predictions(image) == expected


def predictions(image):
    model = CnnModel.from_pretrained()
    probabilities, ood = model.predict_and_reject(image)
    explanation = Explainer(model).explain(image[0][..., None])
    return [part.tobytes() for part in (model.predict(image), probabilities, ood.score, explanation.saliency)]


def test_backend_import_ignores_environment_and_keras_json(tmp_path):
    (tmp_path / "keras.json").write_text('{"floatx": "bfloat16", "image_data_format": "channels_first", "epsilon": 1}')
    others = {"KERAS_BACKEND": "jax", "KERAS_HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "?", "TF_USE_LEGACY_KERAS": "1"}
    command, environment = [sys.executable, "-c", SCRIPT], {**os.environ, **others}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == "tensorflow float32 1e-07 channels_last None"
    image = [np.eye(28, dtype=np.uint8) * 255]
    assert run.stdout.splitlines()[1] == CnnModel.from_pretrained().predict(image).tobytes().hex()
    assert run.stderr == "KERAS_BACKEND is 'jax'; Trazo needs Keras with TensorFlow, and uses it\n"  # and no other line
    assert os.listdir(tmp_path) == ["keras.json"]
