"""The model behind the page, before and after it is loaded; the process that it lives in."""

import io
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnModel
from model.explain import Explainer
from model.folder import PRETRAINED
from tests.conftest import ROOT
from ui import network, reading, worker
from ui.network import Network
from ui.text import Message


@pytest.fixture(scope="module")
def bundled() -> Network:
    return Network.find(None, None)


# Done in the network's process, which imports this module.

ALL = Barrier(3)


def folder_of(explainer: Explainer) -> Path | None:
    return explainer.model.folder


def process_of(_: Explainer) -> int:
    return os.getpid()


def end(_: Explainer) -> None:
    ALL.wait(60)
    os._exit(9)


def trip(_: Explainer) -> None:
    raise OSError("no such thing")


def seven() -> bytes:
    image, file = Image.new("L", (200, 200), 255), io.BytesIO()
    ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], 0, 14)
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import app; app.build(app.Network.find(None, None))", ("tensorflow", "keras", "datasets", "keras_tuner")),
        # And the network's process needs no Gradio; nor does what begins it, which must not wait for it.
        (
            "import ui.reading; from model.folder import find; from ui.worker import load; load(*find())",
            ("gradio", "datasets", "keras_tuner"),
        ),
        ("import app", ("gradio", "tensorflow")),
    ],
)
def test_neither_waits_for_what_the_other_imports(code, absent):
    code += f"; import sys; print([name for name in {absent} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.stdout == "[]\n", result.stderr


def test_it_is_loaded_once_whoever_asks_first(bundled):
    assert not bundled.ready and bundled.config.labels == tuple("0123456789")
    with ThreadPoolExecutor(4) as people:
        found = set(people.map(lambda _: bundled.ask(process_of), range(4)))
    assert bundled.ready and bundled.failure is None
    assert len(found) == 1 and os.getpid() not in found


def test_what_is_asked_is_answered_as_it_would_be_here(bundled):
    explainer = Explainer(CnnModel.from_pretrained())
    asked = bundled.ask(reading.read, seven(), "es", 0)
    here = reading.read(explainer, seven(), "es", 0)
    assert (asked.said, asked.seen, asked.maps) == (here.said, here.seen, here.maps)
    assert [one.tolist() for one in asked.inputs] == [one.tolist() for one in here.inputs]
    assert bundled.ask(reading.classify, seven()) == reading.classify(explainer, seven())
    kernels = bundled.ask(reading.learned_kernels)
    assert all((kernels[name] == kernel).all() for name, kernel in explainer.kernels().items())


def test_what_a_function_says_is_told_and_what_it_trips_over_is_logged(bundled, capfd):
    with pytest.raises(Message, match="cannot be read") as told:
        bundled.ask(reading.classify, b"no picture")
    assert told.value.key == "picture_unreadable" and "SVG" in told.value.text("es")
    with pytest.raises(Message, match="could not be answered"):
        bundled.ask(trip)
    assert bundled.ask(folder_of) == PRETRAINED
    with pytest.raises(Message, match="could not be answered"):
        worker.Worker(None).do(trip)
    assert re.fullmatch(r"OSError\('no such thing'\) in test_ui_network.py, line \d+\n", capfd.readouterr().err)


def test_when_its_process_ends_another_one_begins(bundled, capfd):
    before, place = bundled.ask(process_of), Path(bundled.start().result().address)
    with ThreadPoolExecutor(3) as people:
        asked = [people.submit(bundled.ask, end) for _ in range(3)]
        assert {str(one.exception())[:21] for one in asked} == {"The network's process"}
    assert bundled.ask(process_of) != before and not place.parent.exists()
    assert capfd.readouterr().err.count("another one takes its place") == 1


def test_its_process_ends_with_the_page_however_that_ends(tmp_path):
    code = (
        "import os; from ui.network import Network; from tests.test_ui_network import process_of; "
        "print(Network.find(None, None).ask(process_of), flush=True); os.kill(os.getpid(), 9)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    page = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, env=environment, timeout=120)
    process, until = Path(f"/proc/{int(page.stdout)}"), time.monotonic() + 20
    while process.exists() and "zombie" not in (process / "status").read_text() and time.monotonic() < until:
        time.sleep(0.05)
    assert time.monotonic() < until
    assert not list(tmp_path.iterdir())


def test_who_does_not_know_the_key_is_not_listened_to():
    address = worker.serve(worker.Worker("the network"), b"the key")
    assert Path(address).parent.stat().st_mode & 0o77 == 0
    assert worker.reach(address, b"the key").do(str.upper) == "THE NETWORK"
    with pytest.raises(AuthenticationError):
        worker.reach(address, b"another key")


def test_weights_that_are_damaged_show_only_when_they_are_loaded(tmp_path, capfd):
    """So the page is up by then: the bundled model answers, and people are told."""
    folder = shutil.copytree(PRETRAINED, tmp_path / "model")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = np.float32(np.nan).tobytes()
    (folder / "model.safetensors").write_bytes(weights)
    loading = Network.find(str(folder), None)
    assert loading.failure is None
    assert loading.ask(folder_of) == PRETRAINED
    assert "not finite" in loading.failure and "bundled model is used" in capfd.readouterr().err


def test_a_model_that_never_comes_is_told(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(network, "LONGEST", 0.0)
    with pytest.raises(Message, match="network is loading"):
        Network.find(None, None).ask(folder_of)
    monkeypatch.undo()
    # A process that finds not even the bundled model, and one that ends before it says anything.
    for code, reason in (
        ("pickle.dump((None, 'nothing there'), sys.stdout.buffer)", "nothing there"),
        ("0", "EOFError"),
    ):
        monkeypatch.setattr(worker, "COMMAND", [sys.executable, "-c", f"import pickle, sys; {code}"])
        with pytest.raises(Message, match="No network"):
            Network.find(None, None).ask(folder_of)
        assert reason in capfd.readouterr().err
