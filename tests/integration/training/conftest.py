"""Trainings that are quick."""

import pytest

from tests.support.tiny_training import tiny_preset
from training.presets import PRESETS


@pytest.fixture
def tiny_fast_preset(monkeypatch):
    """Let `--preset fast` train a tiny network without augmentation: TensorFlow traces it in no time."""
    monkeypatch.setitem(PRESETS, "fast", tiny_preset)
