"""A trained and calibrated model: its confidence, and what it rejects."""

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.explain import Explainer
from model.network import build_network
from model.preprocess.decode import decode, open_image
from model.preprocess.sketch import sketch_to_input
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training.config import TrainConfig
from training.evaluation.calibration import (
    calibrate,
)
from training.loop.trainer import fit
from training.stream import HubStream

SCALING = Scaling("min-max", (0.0,), (255.0,))


@pytest.fixture(scope="module")
def streams() -> tuple[HubStream, HubStream]:
    return HubStream(SAMPLE, "train", seed=0, batch_size=64).hold_out(0.3)


@pytest.fixture(scope="module")
def model(streams) -> CnnModel:
    config = CnnConfig(filters=(8, 16), convolutions=1, dense_units=(), scaling=SCALING)
    settings = TrainConfig(epochs=6, batch_size=64, learning_rate=1e-2, augment=0.0, patience=9)
    network, _ = fit(config, settings, *streams, verbose=False)
    return calibrate(config, network, *streams)


def images_and_labels(stream: HubStream) -> tuple[list[bytes], np.ndarray]:
    batches = list(stream.ordered())
    return [image for batch in batches for image in batch.images], np.concatenate([b.labels for b in batches])


def test_calibrate_temperature_maximizes_likelihood_of_validation_rows(model, streams):
    images, labels = images_and_labels(streams[1])
    logs = np.log(np.maximum(model.predict(images), 1e-30)).astype(np.float64)

    def loss(factor: float) -> float:
        scaled = logs * factor
        return float((np.logaddexp.reduce(scaled, axis=1) - scaled[np.arange(len(labels)), labels]).mean())

    assert loss(1.0) <= min(loss(0.9), loss(1.1))
    assert loss(model.config.temperature) > loss(1.0) + 1e-4  # which undoes it


def test_calibrate_keeps_all_predictions(model, streams):
    images, _ = images_and_labels(streams[1])
    plain = build_network(CnnConfig(filters=(8, 16), convolutions=1, dense_units=(), scaling=SCALING))
    for new, old in zip(plain.weights, model.network.weights, strict=True):
        new.assign(old)
    before = CnnModel(CnnConfig(filters=(8, 16), convolutions=1, dense_units=(), scaling=SCALING), plain)
    assert (before.predict(images).argmax(1) == model.predict(images).argmax(1)).all()


def test_reject_accepts_digits_and_rejects_noise(model, streams):
    images, _ = images_and_labels(streams[1])
    digits = model.reject(images)
    assert digits.score.dtype == np.float32 and digits.score.shape == (len(images),)
    assert (digits.rejected == (digits.score > 1)).all()
    assert 0 < digits.rejected.mean() < 0.015 + 1 / len(images)
    r = np.random.default_rng(0)
    noise = r.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    gray = [np.full((28, 28), value, np.uint8) for value in (90, 160, 255)]
    assert model.reject([*noise, *gray]).rejected.all()


def test_predict_and_reject_needs_one_pass(model, streams, monkeypatch):
    images, _ = images_and_labels(streams[1])
    images = [decode(one, (28, 28, 1)) for one in images[:40]]
    images = [*images, *np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)]
    with monkeypatch.context() as once:
        once.setattr(model, "_forward", lambda _: pytest.fail("a second pass"))
        outputs, ood = model.predict_and_reject(images)
    np.testing.assert_allclose(outputs, model.predict(images), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ood.score, model.reject(images).score, rtol=1e-4)
    assert ood.rejected.any() and not ood.rejected.all()
    explainer = Explainer(model)
    assert [explainer.explain(one).rejected for one in images] == ood.rejected.tolist()


def test_reject_sketch_uses_prepared_sketch(model, streams):
    images, _ = images_and_labels(streams[1])
    inverted = [255 - np.asarray(image) for image in map(open_image, images[:40])]
    prepared = [sketch_to_input(drawing, (28, 28, 1)) for drawing in inverted]
    assert (model.reject_sketch(inverted).score == model.reject(prepared).score).all()
    assert (model.reject_sketch(inverted).score < model.reject(inverted).score).all()


def test_judge_features_not_finite_are_rejected(model):
    detector = model.ood_detector
    features = np.stack([np.full_like(detector.means[0], value) for value in (np.nan, np.inf)] + [detector.means[0]])
    with np.errstate(invalid="ignore"):
        ood = detector.judge(features, np.full((3, 10), 0.1, np.float32))
    assert ood.rejected.tolist() == [True, True, False] and np.isinf(ood.score).tolist() == [True, True, False]


def test_from_pretrained_rejects_as_before_saving(model, streams, tmp_path):
    images, _ = images_and_labels(streams[1])
    model.save_pretrained(tmp_path)
    again = CnnModel.from_pretrained(tmp_path)
    assert (again.predict(images[:50]) == model.predict(images[:50])).all()
    assert (again.reject(images[:50]).score == model.reject(images[:50]).score).all()
    assert again.config == model.config


def test_reject_no_images_gives_empty_result(model):
    empty = model.reject([])
    assert empty.score.shape == empty.rejected.shape == (0,)
