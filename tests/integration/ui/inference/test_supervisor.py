"""The model behind the page, before and after it is loaded, and the process that it runs in."""

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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnModel
from model.child_process import ChildProcess
from model.config import CnnConfig
from model.explain import Explainer
from model.io.locate import PRETRAINED
from tests.conftest import ROOT
from tests.support import worker_tasks
from ui.i18n import UserError
from ui.inference import network_map, tasks, worker
from ui.inference.supervisor import ModelSupervisor, State
from ui.inference.worker import MAX_CONCURRENT_CALLS, ModelProcess
from ui.server.images import read_image


@pytest.fixture
def make_supervisor() -> Iterator[Callable[..., ModelSupervisor]]:
    """Make supervisors of processes without a network, unless another target is given; they end with the test."""
    supervisors = []

    def make(folder: Path = PRETRAINED, target=worker_tasks.run_without_network, **options: Any) -> ModelSupervisor:
        options = {"start_process": partial(ModelProcess, target=target), **options}
        supervisors.append(ModelSupervisor(folder, CnnConfig.from_file(PRETRAINED / "trazo.json"), **options))
        return supervisors[-1]

    yield make
    for supervisor in supervisors:
        supervisor.close()


@pytest.fixture(scope="module")
def bundled() -> Iterator[ModelSupervisor]:
    supervisor = ModelSupervisor.find(None, None)
    yield supervisor
    supervisor.close()


def test_find_folder_of_a_search_shows_its_reports_next_to_the_bundled_model(tmp_path):
    """A search writes its reports long before there is a model."""
    shown = ModelSupervisor.find(str(tmp_path), None)
    assert (shown.reports_folder, shown.reports_change) == (PRETRAINED, False)  # there is nothing to show
    (tmp_path / "trials.json").write_text("{}")
    shown = ModelSupervisor.find(str(tmp_path), None)
    assert (shown.folder, shown.reports_folder, shown.reports_change) == (PRETRAINED, tmp_path, True)
    shutil.copytree(PRETRAINED, tmp_path / "model")
    shown = ModelSupervisor.find(str(tmp_path / "model"), None)
    assert shown.folder == shown.reports_folder == tmp_path / "model" and shown.reports_change
    assert shown.repo is None  # a folder has no page on the Hub


def test_find_bundled_model_has_reports_that_do_not_change(bundled):
    assert (bundled.reports_folder, bundled.reports_change) == (PRETRAINED, False)


def seven() -> bytes:
    image, file = Image.new("L", (200, 200), 255), io.BytesIO()
    ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], 0, 14)
    image.save(file, "PNG")
    return file.getvalue()


def ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def next_pid(supervisor: ModelSupervisor) -> int:
    """Return the process that answers after another one has ended, which may not have been noticed yet."""
    while True:
        with suppress(UserError):
            return supervisor.ask(worker_tasks.get_pid)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import app; app.build(app.ModelSupervisor.find(None, None))",
            ("tensorflow", "keras", "datasets", "keras_tuner"),
        ),
        # The code that starts the network's process must not wait for Gradio.
        ("import app", ("gradio", "tensorflow")),
    ],
)
def test_page_process_imports_only_its_own_libraries(code, absent):
    code += f"; import sys; print([name for name in {absent} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.stdout == "[]\n", result.stderr


def test_supervisor_concurrent_first_calls_load_once(bundled):
    assert bundled.config.labels == tuple("0123456789")
    with ThreadPoolExecutor(4) as users:
        pids = set(users.map(lambda _: bundled.ask(worker_tasks.get_pid), range(4)))
    assert len(pids) == 1 and os.getpid() not in pids and bundled.failure is None
    assert pids == {bundled.pid} and bundled.state is State.READY


def test_network_process_imports_only_its_own_libraries(bundled):
    bundled.ask(tasks.classify, tasks.make_sheet(read_image(seven()), bundled.ask(tasks.input_form)))
    asked = ("tensorflow", "gradio", "datasets", "keras_tuner")
    assert bundled.ask(worker_tasks.list_imported, asked) == ["tensorflow"]


def test_supervisor_answers_equal_those_of_this_process(bundled):
    explainer = Explainer(CnnModel.from_pretrained())
    form = bundled.ask(tasks.input_form)
    assert form == tasks.input_form(explainer) and form.takes_drawings
    sheet = tasks.make_sheet(read_image(seven()), form)
    assert bundled.ask(tasks.read, sheet, "es") == tasks.read(explainer, sheet, "es")
    value = network_map.show_value, sheet.whole, "block3_conv4", 5, (3, 3)
    assert bundled.ask(*value) == value[0](explainer, *value[1:])
    assert bundled.ask(tasks.classify, sheet) == tasks.classify(explainer, sheet)
    assert (bundled.ask(tasks.first_kernel) == explainer.kernels()["block1_conv1"]).all()


def test_supervisor_user_errors_are_raised_and_others_logged(make_supervisor, capfd):
    supervisor = make_supervisor()
    assert supervisor.state is State.LOADING
    with pytest.raises(UserError, match="No stroke") as error:
        supervisor.ask(worker_tasks.refuse)
    assert error.value.key == "drawing_blank" and "ningún trazo" in error.value.text("es")
    with pytest.raises(UserError, match="could not be answered"):
        supervisor.ask(worker_tasks.fail)
    assert re.fullmatch(r"OSError\('no such thing'\) in worker_tasks.py, line \d+\n", capfd.readouterr().err)
    with pytest.raises(AttributeError):
        supervisor.ask(lambda _: "this cannot be sent")
    assert len({supervisor.ask(worker_tasks.get_pid) for _ in range(2 * MAX_CONCURRENT_CALLS)}) == 1


def test_supervisor_process_ends_another_is_started(make_supervisor, caplog):
    supervisor = make_supervisor()
    first = supervisor.ask(worker_tasks.get_pid)
    with ThreadPoolExecutor(3) as users:
        calls = [users.submit(supervisor.ask, worker_tasks.exit_when_three_call) for _ in range(3)]
        assert {call.exception().key for call in calls} == {"network_restarted"}
    assert ends_within(first, 20)
    os.kill(second := next_pid(supervisor), signal.SIGKILL)  # this time while no call waits
    assert ends_within(second, 20) and len({first, second, next_pid(supervisor)}) == 3
    assert re.findall(r"process ended \((.*)\); another", caplog.text) == ["exit code 9", "SIGKILL"]


def test_supervisor_process_ends_while_loading_another_is_started(make_supervisor, tmp_path, caplog):
    make_supervisor(tmp_path, worker_tasks.run_at_second_start, restart_pause_s=0.1).ask(worker_tasks.get_pid)
    assert "ended while it was loading (exit code 3)" in caplog.text


def test_supervisor_process_cannot_be_started_is_tried_again(make_supervisor, caplog):
    calls = []

    def start_process(*arguments: Any) -> ModelProcess:
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError(24, "Too many open files")
        return ModelProcess(*arguments, target=worker_tasks.run_without_network)

    make_supervisor(start_process=start_process, restart_pause_s=0.1).ask(worker_tasks.get_pid)
    assert "could not be started ([Errno 24] Too many open files)" in caplog.text


def test_supervisor_process_hangs_another_is_started(make_supervisor, caplog):
    start_process = partial(ModelProcess, target=worker_tasks.run_without_network, call_timeout_s=0.5)
    supervisor = make_supervisor(start_process=start_process)
    first = supervisor.ask(worker_tasks.get_pid)
    with pytest.raises(UserError, match="started again"):
        supervisor.ask(worker_tasks.hang)
    assert ends_within(first, 20) and next_pid(supervisor) != first
    assert "the network's process has not answered for 0 seconds" in caplog.text


@pytest.mark.parametrize(
    ("run", "end"),
    [
        ("run", "killed"),
        ("run_loading_forever", "killed"),
        ("run_loading_forever", "exits"),
        ("run_without_network", "hangs"),
    ],
)
def test_process_ends_with_its_page(tmp_path, run, end):
    # TensorFlow imports what AutoGraph writes to the temporary folder; Python would keep it there, compiled.
    others = {"TMPDIR": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = os.environ | others
    command = [sys.executable, "-m", "tests.support.page_process", run, end]
    page = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=60)
    assert page.returncode == (-signal.SIGKILL if end == "killed" else 0), page.stderr
    assert ends_within(int(page.stdout), 20)
    assert not list(tmp_path.iterdir()) and not page.stderr


def test_supervisor_damaged_weights_bundled_model_answers(make_supervisor, tmp_path, caplog, monkeypatch, fork_server):
    """They show only when they are loaded. The page runs by then, and shows the reason as long as it applies."""
    # Forked, because each new process would import TensorFlow.
    monkeypatch.setattr(worker, "ChildProcess", partial(ChildProcess, fork_from="tests.support.forked"))
    folder = shutil.copytree(PRETRAINED, tmp_path / "model")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = np.float32(np.nan).tobytes()
    (folder / "model.safetensors").write_bytes(weights)
    supervisor = make_supervisor(folder, start_process=ModelProcess)
    assert supervisor.failure is None
    assert supervisor.ask(worker_tasks.get_folder) == PRETRAINED
    assert "not finite" in supervisor.failure and "bundled model is used" in caplog.text
    shutil.copy(PRETRAINED / "model.safetensors", folder)
    os.kill(pid := supervisor.ask(worker_tasks.get_pid), signal.SIGKILL)
    assert ends_within(pid, 20) and next_pid(supervisor) != pid
    assert supervisor.ask(worker_tasks.get_folder) == folder and supervisor.failure is None


def test_supervisor_without_model_or_still_loading_is_an_error(make_supervisor, caplog):
    supervisor = make_supervisor(target=worker_tasks.run_without_model)
    for _ in range(2):
        with pytest.raises(UserError, match="No network"):
            supervisor.ask(worker_tasks.get_pid)
    assert [record.getMessage() for record in caplog.records] == ["no network: no model here"]
    assert supervisor.state is State.FAILED
    loading = make_supervisor(target=worker_tasks.run_loading_forever, max_load_wait_s=0.0)
    with pytest.raises(UserError, match="network is loading"):
        loading.ask(worker_tasks.get_pid)
