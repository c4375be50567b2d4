"""The model behind the page, before and after it is loaded; the process that it lives in."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnModel
from model.config import CnnConfig
from model.explain import Explainer
from model.io.locate import PRETRAINED
from tests.conftest import ROOT
from tests.support import worker_tasks as errands
from ui.i18n import UserError
from ui.inference import supervisor as network
from ui.inference import tasks as reading
from ui.inference import worker
from ui.inference.supervisor import ModelSupervisor


@pytest.fixture
def found() -> Iterator[Callable[..., ModelSupervisor]]:
    """Find models, whose processes are ended with the test."""
    networks = []

    def find(folder: Path = PRETRAINED) -> ModelSupervisor:
        networks.append(ModelSupervisor(folder, CnnConfig.from_file(PRETRAINED / "config.json")))
        return networks[-1]

    yield find
    for one in networks:
        one.end()


@pytest.fixture(scope="module")
def bundled() -> Iterator[ModelSupervisor]:
    bundled = ModelSupervisor.find(None, None)
    yield bundled
    bundled.end()


def seven() -> bytes:
    image, file = Image.new("L", (200, 200), 255), io.BytesIO()
    ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], 0, 14)
    image.save(file, "PNG")
    return file.getvalue()


def gone(process: int, seconds: float) -> bool:
    """Return whether a process ends within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(ProcessLookupError):
            os.kill(process, 0)
            time.sleep(0.05)
            continue
        return True
    return False


def next_process(asked: ModelSupervisor) -> int:
    """Return the process that answers after another one has ended, which may not have been noticed yet."""
    while True:
        with suppress(UserError):
            return asked.ask(errands.process_of)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import app; app.build(app.ModelSupervisor.find(None, None))",
            ("tensorflow", "keras", "datasets", "keras_tuner"),
        ),
        # And the network's process needs no Gradio; nor does what begins it, which must not wait for it.
        (
            "import ui.inference.tasks; "
            "from model.io.locate import locate_model; from ui.inference.worker import load; load(*locate_model())",
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
    assert bundled.config.labels == tuple("0123456789")
    with ThreadPoolExecutor(4) as people:
        found = set(people.map(lambda _: bundled.ask(errands.process_of), range(4)))
    assert len(found) == 1 and os.getpid() not in found and bundled.failure is None


def test_what_is_asked_is_answered_as_it_would_be_here(bundled):
    explainer = Explainer(CnnModel.from_pretrained())
    asked = bundled.ask(reading.read, seven(), "es", 0)
    here = reading.read(explainer, seven(), "es", 0)
    assert (asked.said, asked.seen, asked.maps) == (here.said, here.seen, here.maps)
    assert [one.tolist() for one in asked.inputs] == [one.tolist() for one in here.inputs]
    assert bundled.ask(reading.classify, seven()) == reading.classify(explainer, seven())
    kernels = bundled.ask(reading.learned_kernels)
    assert all((kernels[name] == kernel).all() for name, kernel in explainer.kernels().items())


def test_what_a_function_says_is_told_and_what_it_trips_over_is_logged(found, monkeypatch, capfd):
    monkeypatch.setattr(worker, "run", errands.without_network)
    asked = found()
    with pytest.raises(UserError, match="cannot be read") as told:
        asked.ask(reading.classify, b"no picture")
    assert told.value.key == "image_unreadable" and "SVG" in told.value.text("es")
    with pytest.raises(UserError, match="could not be answered"):
        asked.ask(errands.trip)
    assert re.fullmatch(r"OSError\('no such thing'\) in worker_tasks.py, line \d+\n", capfd.readouterr().err)
    with pytest.raises(AttributeError):
        asked.ask(lambda _: "this cannot be sent")
    many = [asked.ask(errands.process_of) for _ in range(2 * worker.LANES)]
    assert len(set(many)) == 1


def test_when_its_process_ends_another_one_begins(found, monkeypatch, capfd):
    monkeypatch.setattr(worker, "run", errands.without_network)
    asked = found()
    before = asked.ask(errands.process_of)
    with ThreadPoolExecutor(3) as people:
        told = [people.submit(asked.ask, errands.end) for _ in range(3)]
        assert {one.exception().key for one in told} == {"network_restarted"}
    assert gone(before, 20)
    os.kill(between := next_process(asked), signal.SIGKILL)  # this time while nobody asks
    assert gone(between, 20) and len({before, between, next_process(asked)}) == 3
    assert re.findall("with code (-?[0-9]+); another", capfd.readouterr().err) == ["9", "-9"]


def test_a_process_that_ends_while_it_loads_is_no_reason_to_give_up(found, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(worker, "run", errands.at_the_second_time)
    monkeypatch.setattr(network, "PAUSE", 0.1)
    found(tmp_path).ask(errands.process_of)
    assert "ended while it was loading, with code 3" in capfd.readouterr().err


def test_a_process_that_cannot_be_begun_is_tried_again(found, monkeypatch, capfd):
    monkeypatch.setattr(worker, "run", errands.without_network)
    monkeypatch.setattr(network, "PAUSE", 0.1)
    real, calls = worker.get_context, []

    def full(kind: str):
        calls.append(kind)
        if len(calls) == 1:
            raise OSError(24, "Too many open files")
        return real(kind)

    monkeypatch.setattr(worker, "get_context", full)
    found().ask(errands.process_of)
    assert "could not be begun: [Errno 24] Too many open files" in capfd.readouterr().err


def test_a_process_that_hangs_is_replaced(found, monkeypatch, capfd):
    monkeypatch.setattr(worker, "run", errands.without_network)
    asked = found()
    before = asked.ask(errands.process_of)
    with monkeypatch.context() as hurried:
        hurried.setattr(worker, "ANSWERS", 0.5)
        with pytest.raises(UserError, match="started again"):
            asked.ask(errands.rest)
    assert gone(before, 20) and next_process(asked) != before
    assert "said nothing for 0 seconds" in capfd.readouterr().err


PAGE = """
import os, signal, sys
from tests.support import worker_tasks as errands
from ui.inference import worker
from ui.inference.supervisor import ModelSupervisor

worker.run = getattr(errands, sys.argv[1], worker.run)
network = ModelSupervisor.find(None, None)
if sys.argv[1] == "loading_for_ever":
    network.start()
    while network._worker is None or network._worker.process.pid is None:
        pass
    process = network._worker.process.pid
else:
    process = network.ask(errands.process_of)
if sys.argv[2] == "hangs":
    os.kill(process, signal.SIGSTOP)
print(process, flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("run", "ending"),
    [("run", "killed"), ("loading_for_ever", "killed"), ("loading_for_ever", "ends"), ("without_network", "hangs")],
)
def test_its_process_ends_with_the_page_however_that_ends(tmp_path, run, ending):
    environment = os.environ | {"TMPDIR": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", PAGE, run, ending]
    page = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=60)
    assert page.returncode == (-signal.SIGKILL if ending == "killed" else 0), page.stderr
    assert gone(int(page.stdout), 20)
    assert not list(tmp_path.iterdir()) and not page.stderr


def test_weights_that_are_damaged_show_only_when_they_are_loaded(found, tmp_path, capfd):
    """So the page is up by then: the bundled model answers, and people are told, as long as it is so."""
    folder = shutil.copytree(PRETRAINED, tmp_path / "model")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = np.float32(np.nan).tobytes()
    (folder / "model.safetensors").write_bytes(weights)
    loading = found(folder)
    assert loading.failure is None
    assert loading.ask(errands.folder_of) == PRETRAINED
    assert "not finite" in loading.failure and "bundled model is used" in capfd.readouterr().err
    shutil.copy(PRETRAINED / "model.safetensors", folder)
    os.kill(process := loading.ask(errands.process_of), signal.SIGKILL)
    assert gone(process, 20) and next_process(loading) != process
    assert loading.ask(errands.folder_of) == folder and loading.failure is None


def test_a_model_that_never_comes_is_told(found, monkeypatch, capfd):
    monkeypatch.setattr(worker, "run", errands.without_model)
    asked = found()
    for _ in range(2):
        with pytest.raises(UserError, match="No network"):
            asked.ask(errands.process_of)
    assert capfd.readouterr().err == "no network: no model here\n"
    monkeypatch.setattr(worker, "run", errands.loading_for_ever)
    monkeypatch.setattr(network, "LONGEST", 0.0)
    with pytest.raises(UserError, match="network is loading"):
        found().ask(errands.process_of)
