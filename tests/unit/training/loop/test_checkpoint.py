"""The checkpoint of a training: when it is written, and what it brings back."""

import pytest

from model.errors import CorruptFileError
from tests.support.tiny_training import CONFIG, weights
from training.config import TrainConfig
from training.loop.checkpoint import Checkpointer, describe_differences, differences, environment_fingerprint
from training.loop.state import TrainState
from training.loop.trainer import create_train_state


def new_state(seed: int) -> TrainState:
    return create_train_state(CONFIG, TrainConfig(seed=seed, ema_momentum=0.9), steps=2)


def test_checkpointer_restores_everything(tmp_path):
    saved, state = new_state(0), new_state(1)
    saved.progress.epoch, saved.best_weights = 3, weights(saved.network)
    path = tmp_path / "checkpoint.safetensors"
    Checkpointer(path, {"seed": 0}).save(saved)
    Checkpointer(path, {"seed": 0}).restore(state)
    assert state.progress == saved.progress
    for name, network in state.networks.items():
        assert all((a == b).all() for a, b in zip(weights(network), weights(saved.networks[name]), strict=True))
    assert all((a == b).all() for a, b in zip(state.best_weights, saved.best_weights, strict=True))


def test_checkpointer_saves_only_when_due(tmp_path):
    path, state = tmp_path / "checkpoint.safetensors", new_state(0)
    Checkpointer(path, {}, save_every_s=60).save_if_due(state)
    assert not path.exists()
    Checkpointer(path, {}, save_every_s=0).save_if_due(state)
    assert path.exists()


def test_checkpointer_without_path_does_nothing():
    state = new_state(0)
    checkpointer = Checkpointer(None, {}, save_every_s=0)
    checkpointer.restore(state)
    checkpointer.save_if_due(state)
    assert state.progress.epoch == 0


def test_checkpointer_damaged_file_is_an_error(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(CorruptFileError, match="not a checkpoint of Trazo"):
        Checkpointer(path, {}).restore(new_state(0))


def test_differences_names_each_value_by_its_path():
    old, new = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}, "d": 3}
    assert differences(old, new) == ["a.c: 2 there, 4 requested"]
    assert differences(old, old) == []


def test_environment_fingerprint_names_code_and_packages():
    assert {"Trazo", "keras", "numpy", "tensorflow"} < environment_fingerprint().keys()


def test_describe_differences_is_short_however_many_there_are():
    old = {"config": {f"field {n}": "x" * 500 for n in range(50)}}
    new = {"config": {f"field {n}": "y" * 500 for n in range(50)}}
    text = describe_differences(old, new)
    assert len(text) < 400 and text.startswith("config.field 0: ") and text.endswith(" and 47 more")


def test_describe_differences_of_the_content_says_no_hashes():
    old, new = ({"data": {"train": {"datasets": {"0": {"content": one}}}}} for one in ("aaaa", "bbbb"))
    assert describe_differences(old, new) == "its images or labels were others"
