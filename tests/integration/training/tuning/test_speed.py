"""The speed of a training, measured with a few of its steps."""

from dataclasses import replace

import pytest

from tests.support.tiny_training import CONFIG, streams
from training.config import TrainConfig
from training.tuning import speed


@pytest.mark.parametrize("batches_at_most", [50, 1], ids=["all validation rows", "one batch for all"])
def test_measure_speed_takes_steps_of_mixed_images_and_a_validation(monkeypatch, batches_at_most):
    monkeypatch.setattr(speed, "MAX_STEPS", 2)
    monkeypatch.setattr(speed, "MAX_VALIDATION_BATCHES", batches_at_most)
    train, validation = streams()
    settings = TrainConfig(batch_size=64, augment=0.0, cutmix=0.5, ema_momentum=0.9)
    measured = speed.measure_speed(CONFIG, settings, train, validation)
    assert 0 < measured.step_s < 60 and 0 < measured.epoch_end_s < 60
    assert measured.seconds(3, 10) == pytest.approx(3 * (10 * measured.step_s + measured.epoch_end_s))
    assert replace(measured, step_s=0.0).seconds(1, 10) == measured.epoch_end_s
