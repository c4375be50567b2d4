"""What is silenced while TensorFlow is imported, and restored afterwards."""

import os

import pytest

from model.quiet import quiet

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@pytest.mark.parametrize("level", [None, "1"])
def test_quiet_restores_the_environment_and_standard_error(level, monkeypatch, capfd):
    monkeypatch.delenv(LEVEL, raising=False)
    if level:
        monkeypatch.setenv(LEVEL, level)
    with pytest.raises(ImportError), quiet():
        assert os.environ[LEVEL] == (level or "3")
        os.write(2, b"a message of TensorFlow")
        raise ImportError
    os.write(2, b"another message")
    assert os.environ.get(LEVEL) == level and capfd.readouterr().err == "another message"


def test_quiet_without_standard_error_changes_nothing():
    kept = os.dup(2)
    os.close(2)
    try:
        with quiet(), pytest.raises(OSError):
            os.fstat(2)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
