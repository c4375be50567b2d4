"""Temperature, class Gaussians and threshold, without a training."""

import numpy as np
import pytest
from scipy.special import softmax

from model import CnnConfig, CnnModel, ModelError, TrazoError
from model.network import build_network
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training.evaluation import calibration
from training.evaluation.calibration import (
    LogitsAndFeatures,
    calibrate,
    calibrate_on,
    collect_logits_and_features,
    compile_logits_and_features,
    fit_class_gaussians,
    fit_temperature,
    largest_accepted,
)
from training.stream import HubStream

SCALING = Scaling("min-max", (0.0,), (255.0,))


@pytest.fixture(scope="module")
def streams() -> tuple[HubStream, HubStream]:
    return HubStream(SAMPLE, "train", seed=0, batch_size=64).hold_out(0.3)


def images_and_labels(stream: HubStream) -> tuple[list[bytes], np.ndarray]:
    batches = list(stream.ordered())
    return [image for batch in batches for image in batch.images], np.concatenate([b.labels for b in batches])


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("task", ["multiclass", "binary"])
def test_fit_temperature_finds_temperature_of_the_logits(task, temperature):
    r = np.random.default_rng(0)
    scores = r.normal(0, 2, (20_000, 5 if task == "multiclass" else 1))
    full = scores if task == "multiclass" else np.concatenate([np.zeros_like(scores), scores], axis=1)
    labels = (full + r.gumbel(size=full.shape)).argmax(axis=1)  # drawn from the softmax of the scores
    assert fit_temperature(scores * temperature, labels, task) == pytest.approx(temperature, rel=0.06)


@pytest.mark.parametrize("task", ["multiclass", "binary"])
def test_fit_temperature_all_correct_is_not_certain(task):
    r = np.random.default_rng(0)
    labels = r.integers(0, 2 if task == "binary" else 10, 350)
    if task == "binary":
        scores = (2 * labels[:, None] - 1) * r.uniform(5, 9, (350, 1))
        largest = np.abs(scores[:, 0])
    else:
        scores = r.normal(0, 1, (350, 10))
        scores[np.arange(350), labels] += 12
        largest = scores.max(axis=1) - np.log(np.exp(scores).sum(axis=1) - np.exp(scores.max(axis=1)))
    temperature = fit_temperature(scores, labels, task)
    unsure = 1 / (1 + np.exp(largest / temperature))  # roughly, for several classes
    assert 0.3 < unsure.mean() * 352 < 3


def test_reject_without_detector_is_an_error():
    with pytest.raises(TrazoError, match="without an out-of-distribution score"):
        CnnModel(CnnConfig(filters=(4,))).reject([np.zeros((28, 28), np.uint8)])
    outputs, ood = CnnModel(CnnConfig(filters=(4,))).predict_and_reject([np.zeros((28, 28), np.uint8)])
    assert outputs.shape == (1, 10) and ood is None


def test_from_pretrained_threshold_without_tensors_is_an_error(tmp_path):
    CnnModel(CnnConfig(filters=(4,))).save_pretrained(tmp_path)
    text = (tmp_path / "trazo.json").read_text()
    (tmp_path / "trazo.json").write_text(text.replace('"ood_threshold": null', '"ood_threshold": 3.0'))
    with pytest.raises(ModelError, match="ood/means|does not match trazo.json"):
        CnnModel.from_pretrained(tmp_path)


def test_calibrate_class_without_rows_and_dense_layers_and_strides(streams):
    labels = (*"0123456789", "ten")
    config = CnnConfig(labels=labels, filters=(4,), convolutions=1, pooling="stride", dense_units=(6,), scaling=SCALING)
    model = calibrate(config, build_network(config), *streams)
    images, _ = images_and_labels(streams[1])
    assert model.ood_detector.means.shape == (11, 10)
    assert model.reject(images).rejected.mean() < 0.03


def test_calibrate_regression_fits_nothing(streams):
    config = CnnConfig(labels=("x",), task="regression", filters=(4,))
    network = build_network(config)
    assert calibrate(config, network, *streams).network is network
    with pytest.raises(TrazoError, match="temperature"):
        CnnConfig(labels=("x",), task="regression", temperature=2.0)


@pytest.mark.parametrize(("rows", "distance"), [(1, 0.0), (5, 0.0), (1, 1e30), (1, np.inf), (1, np.nan)])
def test_calibrate_identical_rows_give_no_detector(streams, monkeypatch, caplog, rows, distance):
    """Dead neurons, or one row per class: all differences from the class's mean are 0."""
    config = CnnConfig(labels=streams[0].labels, filters=(2,), convolutions=1, dense_units=())
    features, labels = np.repeat(np.eye(10, 12, dtype=np.float32), rows, axis=0), np.repeat(np.arange(10), rows)
    found = LogitsAndFeatures(np.zeros((len(labels), 10), np.float32), features, labels)
    monkeypatch.setattr(
        calibration.OODDetector, "distances", lambda self, rows: np.full(len(rows), distance, np.float32)
    )
    model = calibrate_on(config, build_network(config), found, found)
    assert model.config.ood_threshold is None and model.ood_detector is None
    assert caplog.text.count("no out-of-distribution score") == 1


def test_calibrate_with_outliers_known_rejects_by_confidence_too():
    r = np.random.default_rng(0)
    config = CnnConfig(labels=("a", "b", "c"), filters=(2,), convolutions=1, dense_units=())
    labels = r.integers(0, 3, 4000)
    logits = (8 * np.eye(3)[labels] + r.normal(0, 2, (4000, 3))).astype(np.float32)
    found = LogitsAndFeatures(logits, r.normal(size=(4000, 2)).astype(np.float32), labels)
    alone = calibrate_on(config, build_network(config), found, found)
    model = calibrate_on(config, build_network(config), found, found, knows_outliers=True)
    assert alone.config.min_confidence == 0 and model.config.ood_threshold > alone.config.ood_threshold
    confidence = softmax(logits / model.config.temperature, axis=1).max(axis=1)
    by_confidence = confidence < model.config.min_confidence
    by_distance = model.ood_detector.distances(found.features) > model.config.ood_threshold
    assert by_confidence.mean() == pytest.approx(0.0075, abs=3e-4)
    assert by_distance.mean() == pytest.approx(0.0025, abs=3e-4)
    result = model.ood_detector.judge(found.features, softmax(logits / model.config.temperature, axis=1))
    assert (result.rejected == (by_confidence | by_distance)).all()


def test_collect_features_stops_at_max_feature_rows(streams, monkeypatch):
    monkeypatch.setattr(calibration, "MAX_FEATURE_ROWS", 100)
    config = CnnConfig(labels=streams[0].labels, filters=(2,), convolutions=1, dense_units=())
    run = compile_logits_and_features(config, build_network(config))
    batches = streams[0].ordered()
    found = collect_logits_and_features(run, config, streams[0], batches)
    assert len(found.features) == 100 < len(found.logits) == len(found.labels) == len(found.datasets)


def test_fit_class_gaussians_constant_feature_is_finite():
    features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    features[:, 2] = 0
    means, whitening = fit_class_gaussians(features, np.arange(60) % 3, 3)
    assert np.isfinite(whitening).all() and means.shape == (3, 4)
    _, whitening = fit_class_gaussians(np.ones((3, 4), np.float32), np.arange(3), 3)
    assert np.isfinite(whitening).all()


def test_largest_accepted_holds_for_each_dataset_with_enough_rows():
    r = np.random.default_rng(0)
    values = np.concatenate([r.normal(0, 1, 5000), r.normal(2, 1, 200), r.normal(9, 1, 50)])
    datasets = np.repeat([0, 1, 3], [5000, 200, 50])
    limit = largest_accepted(values, datasets, 0.99)
    assert limit == pytest.approx(np.quantile(values[datasets == 1], 0.99))  # not that of the third, of too few rows
    assert (values[:5000] > limit).mean() < 0.01
    assert largest_accepted(values[:5000], datasets[:5000], 0.99) == pytest.approx(np.quantile(values[:5000], 0.99))


def test_collect_names_the_dataset_of_each_row():
    stream = HubStream.concat([HubStream(SAMPLE, split, batch_size=64) for split in ("test", "train")])
    config = CnnConfig(labels=stream.labels, filters=(2,), convolutions=1, dense_units=())
    run = compile_logits_and_features(config, build_network(config))
    found = collect_logits_and_features(run, config, stream, stream.ordered())
    assert np.bincount(found.datasets).tolist() == [1000, 3500]
