"""The model behind the page, before and after it is loaded."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model.folder import PRETRAINED
from tests.conftest import ROOT
from ui import network
from ui.network import Network
from ui.text import Message


def test_the_page_needs_no_tensorflow():
    """TensorFlow takes as long to import as all the rest of the page."""
    code = (
        "import sys, app; app.build(app.Network.find(None, None)); "
        "print([name for name in ('tensorflow', 'keras', 'datasets', 'keras_tuner') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.stdout == "[]\n", result.stderr


def test_it_is_loaded_once_whoever_asks_first():
    loading = Network.find(None, None)
    assert not loading.ready and loading.config.labels == tuple("0123456789")
    with ThreadPoolExecutor(4) as people:
        found = list(people.map(lambda _: loading.explainer(), range(4)))
    assert loading.ready and loading.failure is None
    assert all(one is found[0] for one in found)


def test_weights_that_are_damaged_show_only_when_they_are_loaded(tmp_path, capfd):
    """So the page is up by then: the bundled model answers, and people are told."""
    folder = shutil.copytree(PRETRAINED, tmp_path / "model")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = np.float32(np.nan).tobytes()
    (folder / "model.safetensors").write_bytes(weights)
    loading = Network.find(str(folder), None)
    assert loading.failure is None
    assert loading.explainer().model.folder == PRETRAINED
    assert "not finite" in loading.failure and "bundled model is used" in capfd.readouterr().err


def test_a_model_that_never_comes_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(network, "LONGEST", 0.0)
    with pytest.raises(Message, match="network is loading"):
        Network.find(None, None).explainer()
    monkeypatch.undo()
    monkeypatch.setattr("model.folder.PRETRAINED", tmp_path)
    with pytest.raises(Message, match="No network"):
        Network(tmp_path, Network.find(str(PRETRAINED), None).config).explainer()
