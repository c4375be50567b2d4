"""Chief and workers: which one a process is, its address, and heartbeats."""

import os
import socket
import threading
import time

import grpc
import pytest

from model.errors import TrazoError
from training.tuning import distributed


def test_run_chief_port_is_taken_is_refused(monkeypatch):
    """gRPC would share it with another chief, and each would answer some of the workers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        monkeypatch.setenv(distributed.ORACLE_IP, "127.0.0.1")
        monkeypatch.setenv(distributed.ORACLE_PORT, port)
        with pytest.raises(TrazoError, match=f"127.0.0.1:{port} is taken; another chief"):
            distributed.run_chief(lambda: None, None)


@pytest.fixture
def no_tuner_variables(monkeypatch):
    """Remove KerasTuner's variables, and at the end those that `detect_role` sets."""
    for name in (distributed.TUNER_ID, distributed.ORACLE_IP, distributed.ORACLE_PORT):
        monkeypatch.setenv(name, "")  # so that it is restored at the end
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({distributed.ORACLE_IP: "127.0.0.1"}, "set KERASTUNER_TUNER_ID to say which one"),
        ({distributed.TUNER_ID: "chief", distributed.ORACLE_IP: "8.8.8.8"}, "can steer the search"),
        ({distributed.TUNER_ID: "chief", distributed.ORACLE_IP: "0.0.0.0"}, "can steer the search"),
        (
            {distributed.TUNER_ID: "worker", distributed.ORACLE_IP: "no such host"},
            "is not the address of a machine that is known here",
        ),
        (
            {distributed.TUNER_ID: "worker", distributed.ORACLE_PORT: "99999"},
            "KERASTUNER_ORACLE_PORT must be a number from 1 to 65535",
        ),
    ],
)
def test_detect_role_contradictory_variables_are_refused(monkeypatch, no_tuner_variables, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrazoError, match=message) as caught:
        distributed.detect_role()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "role"), [("chief", "chief"), ("worker-3", "worker")])
def test_detect_role_no_address_uses_loopback(monkeypatch, no_tuner_variables, name, role):
    monkeypatch.setenv(distributed.TUNER_ID, name)
    assert distributed.detect_role() == role
    assert os.environ[distributed.ORACLE_IP] == "127.0.0.1"


def test_detect_role_chief_is_reached_without_a_proxy(monkeypatch, no_tuner_variables):
    for name, value in {"http_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": "intranet"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(distributed.TUNER_ID, "worker-1")
    monkeypatch.setenv(distributed.ORACLE_IP, "10.0.0.7")
    distributed.detect_role()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "intranet,127.0.0.1,localhost,::1,10.0.0.7"


def test_send_heartbeats_continue_after_a_lost_one_and_end_with_the_trial():
    class Chief:
        def get_trial(self, trial_id):
            asked.append(trial_id)
            if len(asked) == 1:
                raise grpc.RpcError
            heard.set()

    asked, heard, threads = [], threading.Event(), threading.active_count()
    with distributed.send_heartbeats(Chief(), "7", timeout_s=0.01):
        assert heard.wait(60)
    assert set(asked) == {"7"}
    deadline = time.monotonic() + 60
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == threads
