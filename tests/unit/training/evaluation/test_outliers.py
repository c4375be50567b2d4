"""The classifier of outliers, and a detector with one."""

from dataclasses import replace

import numpy as np

from model import CnnModel
from model.preprocess.decode import decode
from tests.conftest import SAMPLE
from training.evaluation.calibration import calibrate
from training.evaluation.outliers import HIDDEN_UNITS, fit_outlier_classifier
from training.outliers import rows
from training.outliers.bank import make_outliers
from training.stream import HubStream


def test_fit_outlier_classifier_finds_what_no_distance_from_the_mean_shows():
    r = np.random.default_rng(0)
    known, others = r.normal(size=(2, 3000, 4)).astype(np.float32)
    known[:, 0] = np.abs(known[:, 0]) + 0.3
    others[:, 0] = -np.abs(others[:, 0]) - 0.3
    for features in (known, others):
        features *= (1, 1e3, 1e-3, 0)  # in any unit; the last one is of a dead neuron
        features += (0, 50, 0, 7)
    classifier = fit_outlier_classifier(known, others, seed=0)
    assert classifier.hidden_kernel.shape == (4, HIDDEN_UNITS) and classifier.bias.shape == (1,)
    assert (classifier.log_odds(known) < 0).mean() > 0.98 and (classifier.log_odds(others) > 0).mean() > 0.98
    again = fit_outlier_classifier(known, others, seed=0)
    assert (again.log_odds(known) == classifier.log_odds(known)).all()


def test_calibrate_with_outliers_rejects_them_and_no_digits_that_are_drawn(monkeypatch):
    monkeypatch.setattr(rows, "MAX_ROWS", 256)
    train, validation = HubStream(SAMPLE, "test", seed=0, batch_size=64).hold_out(0.4)
    bundled = CnnModel.from_pretrained()
    config = replace(bundled.config, temperature=1.0, ood_threshold=None)
    batches = list(HubStream(SAMPLE, "train", batch_size=10).ordered())
    pixels = np.stack([decode(batch.images[0], config.image_shape)[..., 0] for batch in batches])
    shown, _ = make_outliers(90, pixels, np.array([batch.labels[0] for batch in batches]), config.image_shape, seed=9)
    model = calibrate(config, bundled.network, train, validation, outliers=540)
    assert model.config.outlier_units == HIDDEN_UNITS and model.ood_detector.classifier is not None
    assert model.reject(shown).rejected.mean() > 0.6
    assert model.reject(pixels).rejected.mean() < 0.06 and model.reject_sketch(pixels).rejected.mean() < 0.06
