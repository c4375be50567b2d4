"""What Trazo uses of KerasTuner that is not public exists in the one version that is pinned."""

import inspect

import keras_tuner
from keras_tuner.src.engine import conditions

from training.tuning import kerastuner_compat
from training.tuning.kerastuner_compat import PRIVATE_NAMES


def test_kerastuner_private_names_exist():
    objective = keras_tuner.Objective("val_accuracy", "max")
    for owner, names in PRIVATE_NAMES.items():
        is_oracle = inspect.isclass(owner) and issubclass(owner, keras_tuner.Oracle)
        for name in names:
            assert hasattr(owner(objective) if is_oracle else owner, name), f"{owner.__name__}.{name}"
    assert "print(" in inspect.getsource(conditions)  # what `configure` silences


def test_configure_replaces_what_it_names(monkeypatch, tmp_path):
    for owner, name in (
        (keras_tuner.src.utils, "save_json"),
        (keras_tuner.src.utils, "load_json"),
        (keras_tuner.src.config, "DEBUG"),
        (kerastuner_compat.oracle_client, "TIMEOUT"),
    ):
        monkeypatch.setattr(owner, name, None)
    monkeypatch.setattr(conditions, "print", print, raising=False)
    kerastuner_compat.configure(request_timeout_s=7.0)
    assert keras_tuner.src.utils.save_json(str(tmp_path / "a.json"), {"b": 1}) == '{"b": 1}'
    assert keras_tuner.src.utils.load_json(tmp_path / "a.json") == {"b": 1}
    assert keras_tuner.src.config.DEBUG is False
    assert kerastuner_compat.oracle_client.TIMEOUT == 7.0
    assert conditions.print("anything") is None
