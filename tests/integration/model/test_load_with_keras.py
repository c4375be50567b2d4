"""The snippet that the Hub shows for a published model, word for word, where nothing of Trazo can be imported."""

import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from model import CnnModel
from model.card.card import render_card
from model.io.locate import PRETRAINED
from tests.support.fake_hub import LoopbackHub

REPO = "someone/digits"
OF_THE_HUB = f"""\
# Available backend options are: "jax", "torch", "tensorflow".
import os
os.environ["KERAS_BACKEND"] = "jax"

import keras

model = keras.saving.load_model("hf://{REPO}")
"""
OURS = ("app", "model", "training", "ui", "tests")
BLOCKED = f"import sys; sys.modules |= dict.fromkeys({OURS}, None)  # importing one of them is an error"
PREDICT = """
import numpy
numpy.save("answers.npy", model.predict(numpy.load("pixels.npy"), verbose=0))
"""
INSTALL_S = 900
PACKAGES = {  # of a backend, and what pip needs to find it
    "tensorflow": [],
    "jax": ["jax"],
    "torch": ["--isolated", "--index-url", "https://download.pytorch.org/whl/cpu", "torch"],  # PyPI: GPUs, GBs
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    with LoopbackHub(tmp_path_factory.mktemp("hub")) as hub:
        hub.add_repo(REPO, "model", PRETRAINED)
        yield hub


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 28, 28, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def expected(pixels: np.ndarray) -> np.ndarray:
    return CnnModel.from_pretrained().network.predict(pixels, verbose=0)


def answers(hub: LoopbackHub, folder: Path, python: str | Path, code: str, pixels: np.ndarray) -> np.ndarray:
    """Run code in an empty folder, with the Hub on loopback."""
    np.save(folder / "pixels.npy", pixels)
    environment = hub.environ(folder / "home")
    command = [str(python), "-I", "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "answers.npy")


def with_backend(name: str) -> str:
    return OF_THE_HUB.replace('"KERAS_BACKEND"] = "jax"', f'"KERAS_BACKEND"] = "{name}"')


def test_snippet_of_the_hub_gives_the_same_bits_without_trazo(hub, tmp_path, pixels, expected):
    code = f"{BLOCKED}\n{with_backend('tensorflow')}{PREDICT}"
    assert (answers(hub, tmp_path, sys.executable, code, pixels) == expected).all()


def test_card_first_snippet_is_that_of_the_hub():
    card = str(render_card(CnnModel.from_pretrained().config, repo_id=REPO))
    first, second = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert first.splitlines()[:3] == OF_THE_HUB.splitlines()[-3:]
    assert f'CnnModel.from_pretrained("{REPO}")' in second and "Trazo" in card.split(second)[1].split("##")[0]


@pytest.mark.slow
@pytest.mark.parametrize("backend", PACKAGES)
def test_snippet_of_the_hub_in_a_clean_environment(hub, tmp_path, pixels, expected, backend):
    """With nothing but Keras, huggingface_hub, TensorFlow, without which Keras opens no `hf://`, and the backend."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pinned = [f"{name}=={version(name)}" for name in ("tensorflow", "keras", "huggingface_hub")]
    for packages in filter(None, (pinned, PACKAGES[backend])):
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--retries",
            "0",
            "--disable-pip-version-check",
            *packages,
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{packages[-1]} does not install within {INSTALL_S} s")
        if done.returncode:
            pytest.skip(f"{packages[-1]} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    found = answers(hub, tmp_path, python, with_backend(backend) + PREDICT, pixels)
    if backend == "tensorflow":
        assert (found == expected).all()
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
