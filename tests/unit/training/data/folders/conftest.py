"""A cache and a folder of each test's own."""  # words: ok

import logging

import pytest

from training.data.folders import report


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "trazo")
    report.log_once.cache_clear()
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "images"
