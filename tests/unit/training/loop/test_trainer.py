"""The steps of the training loop, one by one; whole trainings are in tests/integration/training."""

import numpy as np
import pytest

from model import CnnConfig
from model.errors import TrazoError
from tests.support.tiny_training import CONFIG
from training.config import TrainConfig
from training.loop.state import TrainState
from training.loop.trainer import create_train_state, finish_epoch, fit, restore_best

SETTINGS = TrainConfig(epochs=3, patience=2)
REGRESSION = CnnConfig(labels=("y",), task="regression", filters=(4,), convolutions=1, dense_units=())


@pytest.fixture
def state() -> TrainState:
    """A training whose first epoch has taken 2 batches of 5 rows."""
    state = create_train_state(CONFIG, SETTINGS, steps=2)
    state.start_clock()
    state.progress.batch, state.progress.sums = 2, [20.0, 5.0, 10.0]
    return state


def test_finish_epoch_adds_means_to_history(state):
    finish_epoch(state, SETTINGS, "accuracy", {"loss": 1.5, "accuracy": 0.25})
    (row,) = state.progress.history
    assert (row["epoch"], row["loss"], row["accuracy"], row["val_loss"], row["val_accuracy"]) == (1, 2, 0.5, 1.5, 0.25)
    assert (state.progress.epoch, state.progress.batch, state.progress.sums) == (1, 0, [0.0, 0.0, 0.0])
    assert state.progress.seconds > 0 and not state.progress.finished


def test_finish_epoch_worse_loss_keeps_best_weights_and_stops(state):
    finish_epoch(state, SETTINGS, "accuracy", {"loss": 1.5, "accuracy": 0.25})
    best = [weight.numpy() for weight in state.network.weights]
    for weight in state.network.weights:
        weight.assign(weight + 1)
    for _ in range(2):
        state.progress.sums = [20.0, 5.0, 10.0]
        assert not state.progress.finished
        finish_epoch(state, SETTINGS, "accuracy", {"loss": 1.6, "accuracy": 0.25})
    assert state.progress.finished and state.progress.best_epoch == 1
    for weight, expected in zip(restore_best(state).weights, best, strict=True):
        assert (weight.numpy() == expected).all()


def test_finish_epoch_first_loss_not_finite_is_an_error(state):
    with pytest.raises(TrazoError, match="validation is not finite in epoch 1"):
        finish_epoch(state, SETTINGS, "accuracy", {"loss": np.nan, "accuracy": 0.25})


def test_finish_epoch_without_a_usable_row_is_an_error(state):
    state.progress.sums = [0.0, 0.0, 0.0]
    with pytest.raises(TrazoError, match="no row of the 2 batches of epoch 1 has a usable image"):
        finish_epoch(state, SETTINGS, "accuracy", {"loss": 1.5, "accuracy": 0.25})


def test_fit_class_weights_need_one_number_per_class():
    with pytest.raises(TrazoError, match="one number per class"):
        fit(CONFIG, TrainConfig(class_weights="balanced"), None, None)
    with pytest.raises(TrazoError, match="class weights are for classes"):
        fit(REGRESSION, TrainConfig(class_weights="balanced", class_weight_values=(1.0,)), None, None)


def test_create_train_state_ema_is_a_copy_of_the_network():
    state = create_train_state(CONFIG, TrainConfig(ema_momentum=0.9), steps=2)
    assert list(state.networks) == ["network", "ema"]
    for average, weight in zip(state.ema_network.weights, state.network.weights, strict=True):
        assert (average.numpy() == weight.numpy()).all()
    assert list(create_train_state(CONFIG, TrainConfig(), steps=2).networks) == ["network"]


def test_fit_digit_variants_of_other_labels_is_refused():
    with pytest.raises(TrazoError, match="digits 0 to 9"):
        fit(CnnConfig(labels=("cat", "dog")), TrainConfig(digit_variants=0.5), None, None)


@pytest.mark.parametrize("field", [{"optimizer": "adagrad"}, {"epochs": 0}, {"learning_rate": -1.0}, {"augment": 9.0}])
def test_train_config_out_of_range_is_refused(field):
    with pytest.raises(TrazoError, match=next(iter(field))):
        TrainConfig(**field)
