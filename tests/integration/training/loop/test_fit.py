"""Whole trainings on the bundled sample: they learn, repeat exactly, average, and stop when they should."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from datasets import Features, Image, Value

from model import CnnConfig, CnnModel
from model.errors import TrazoError
from model.network import build_network
from tests.support.datasets import random_images, write_dataset  # words: ok
from tests.support.others_settings import others_settings
from tests.support.tiny_training import CONFIG, streams, weights
from training.config import TrainConfig
from training.loop.trainer import fit
from training.stream import HubStream


def test_fit_learns_and_reports_each_epoch():
    config = replace(CONFIG, filters=(8, 16), dense_units=(32,), dropout=0.0)
    network, progress = fit(config, TrainConfig(epochs=4, learning_rate=1e-2, augment=0), *streams(), verbose=False)
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4]
    assert progress.history[-1]["val_accuracy"] > 0.8  # ten classes: chance is 0.1
    assert progress.history[-1]["loss"] < progress.history[0]["loss"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} < progress.history[0].keys()
    # The history describes the returned network: its weights are those of the best epoch.
    _, validation = streams()
    predictions = CnnModel(config, network).predict([image for batch in validation.ordered() for image in batch.images])
    true = np.concatenate([batch.labels for batch in validation.ordered()])
    best = progress.history[progress.best_epoch - 1]
    assert np.isclose((predictions.argmax(axis=1) == true).mean(), best["val_accuracy"])
    assert best["val_loss"] == min(row["val_loss"] for row in progress.history)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_fit_under_others_settings_gives_same_weights(optimizer):
    def train() -> list[bytes]:
        settings = TrainConfig(epochs=1, steps_per_epoch=2, batch_size=64, optimizer=optimizer, augment=0.5)
        return [one.tobytes() for one in weights(fit(CONFIG, settings, *streams(), verbose=False)[0])]

    expected = train()
    with others_settings():
        assert train() == expected


def test_fit_same_seed_gives_same_weights():
    def train(seed: int) -> list[np.ndarray]:
        settings = TrainConfig(epochs=1, steps_per_epoch=5, seed=seed, batch_size=64)
        return weights(fit(CONFIG, settings, *streams(seed), verbose=False)[0])

    first, again, other = train(0), train(0), train(1)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not all((a == b).all() for a, b in zip(first, other, strict=True))


def test_fit_ema_momentum_returns_average_of_weights():
    """Averaging does not change the training itself, so each of its steps can be seen without averaging."""

    def after(steps: int, momentum: float) -> list[np.ndarray]:
        settings = TrainConfig(
            epochs=1, steps_per_epoch=steps, batch_size=64, schedule="constant", ema_momentum=momentum, augment=0
        )
        return weights(fit(CONFIG, settings, *streams(), verbose=False)[0])

    keras.utils.set_random_seed(0)
    expected = weights(build_network(CONFIG))
    for step in range(1, 4):
        decay = min(0.3, (1 + step) / (10 + step))
        now = after(step, 0.0)
        expected = [decay * a + (1 - decay) * b for a, b in zip(expected, now, strict=True)]
    found = after(3, 0.3)
    for a, b, raw in zip(expected, found, now, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        assert not np.allclose(b, raw, rtol=1e-4, atol=1e-6)


def test_fit_bfloat16_returns_float32_network(monkeypatch):
    monkeypatch.setattr("training.loop.trainer.usable_precision", lambda requested: requested)
    settings = TrainConfig(epochs=1, steps_per_epoch=3, batch_size=32, precision="bfloat16", augment=0)
    config = CnnConfig(filters=(4,), dense_units=())
    network, _ = fit(config, settings, *streams(batch_size=32), verbose=False)
    assert network.get_layer("block1_conv1").compute_dtype == "float32"
    plain, _ = fit(config, replace(settings, precision="float32"), *streams(batch_size=32), verbose=False)
    for one, other in zip(network.weights, plain.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0.02, atol=0.02)  # the same training, rounded


def test_fit_diverging_loss_is_an_error(tmp_path):
    features = Features({"image": Image(), "weight": Value("float32")})
    columns = {"image": random_images(60), "weight": [float(row) for row in range(60)]}  # words: ok
    stream = HubStream(
        write_dataset(tmp_path, features, [columns]), batch_size=8, label_column="weight", task="regression"
    )
    parts = stream.hold_out(0.2)
    config = CnnConfig(
        labels=("weight",),
        task="regression",
        image_shape=(8, 8, 1),
        filters=(4,),
        convolutions=1,
        normalization="none",
    )
    settings = TrainConfig(epochs=3, optimizer="sgd", learning_rate=10, schedule="constant")
    with pytest.raises(TrazoError, match="no longer finite in epoch"):
        fit(config, settings, *parts, verbose=False)


def test_fit_no_improvement_stops_early():
    quick = {"steps_per_epoch": 10, "batch_size": 64, "augment": 0}
    settings = TrainConfig(epochs=30, learning_rate=0.05, schedule="constant", patience=1, **quick)
    _, progress = fit(CONFIG, settings, *streams(), verbose=False)
    assert len(progress.history) < 30
    assert progress.best_epoch == len(progress.history) - 1
