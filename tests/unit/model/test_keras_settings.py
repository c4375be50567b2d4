"""Keras is set by Trazo, also where the environment asks for something else."""

import json
from types import SimpleNamespace

import pytest

from model.errors import TrazoError
from model.keras_settings import check_backend, drop_failed_import, find_other_backend, import_settings, keras_home


@pytest.mark.parametrize(
    ("environ", "content", "expected"),
    [
        ({}, None, None),
        ({"KERAS_BACKEND": "tensorflow"}, {"backend": "jax"}, None),
        ({"KERAS_BACKEND": ""}, {"backend": "tensorflow"}, None),
        ({"KERAS_BACKEND": "jax"}, None, "KERAS_BACKEND is 'jax'"),
        ({}, {"backend": "torch"}, "keras.json asks for the backend 'torch'"),
        ({}, {"floatx": "float16"}, None),
        ({}, ["damaged"], None),
    ],
)
def test_find_other_backend_names_where_it_is_asked_for(tmp_path, environ, content, expected):
    if content is not None:
        (tmp_path / "keras.json").write_text(json.dumps(content))
    found = find_other_backend({"KERAS_HOME": str(tmp_path)} | environ)
    assert found is None if expected is None else found.endswith(expected)


def test_find_other_backend_unreadable_file_asks_for_none(tmp_path):
    (tmp_path / "keras.json").write_bytes(b"\xff{")
    assert find_other_backend({"KERAS_HOME": str(tmp_path)}) is None
    assert keras_home({"KERAS_HOME": "~/x"}).is_absolute()


def test_check_backend_of_imported_keras_must_be_tensorflow():
    check_backend({})
    check_backend({"keras.src.backend.config": SimpleNamespace(backend=lambda: "tensorflow")})
    with pytest.raises(TrazoError, match="imported Keras with the backend 'jax'.*import Trazo first"):
        check_backend({"keras.src.backend.config": SimpleNamespace(backend=lambda: "jax")})


def test_drop_failed_import_keeps_a_whole_one():
    failed, whole = {"keras.src.backend.config": 1, "keras_tuner": 2}, {"keras": 1, "keras.src": 2}
    for modules in (failed, whole):
        drop_failed_import(modules)
    assert failed == {"keras_tuner": 2} and whole == {"keras": 1, "keras.src": 2}


def test_import_settings_environment_is_restored():
    given = {"KERAS_BACKEND": "jax", "KERAS_MAX_EPOCHS": "many", "TF_USE_LEGACY_KERAS": "1", "OTHER": "1"}
    environ = dict(given)
    with import_settings(environ):
        assert environ["KERAS_BACKEND"] == "tensorflow" and "KERAS_HOME" in environ
        assert not environ.keys() & {"KERAS_MAX_EPOCHS", "TF_USE_LEGACY_KERAS"}
    assert environ == given
