import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import grpc
import keras_tuner
import pytest
from keras_tuner.engine.trial import TrialStatus

from model.errors import TrazoError
from tests.conftest import ROOT, SAMPLE
from training.config import TuneConfig
from training.tuning import distributed as cluster
from training.tuning.oracles import make_oracle

SCRIPT = """
import os
import sys
from tests.unit.training.tuning.test_tuner import Tiny
from training.tuning import distributed as cluster, trial_process
from training import commands
trial_process.fit.__kwdefaults__["save_every_s"] = 0.0
cluster.PATIENCE = float(os.environ.get("MAX_SILENCE_S", cluster.PATIENCE))
commands.SearchSpace = Tiny
from training.cli import main
status = main(sys.argv[1:])
sys.stdout.flush()
os._exit(status)
"""


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a chief or a worker on a loopback port; what still runs at the end is killed."""
    port, processes = free_port(), []

    def start(name: str, *options: str) -> subprocess.Popen:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KERASTUNER")}
        environment |= {"PYTHONPATH": str(ROOT), cluster.ID: name, cluster.PORT: port}
        data = ["--dataset", SAMPLE, "--output", str(tmp_path / "run"), "--batch-size", "32"]
        command = [sys.executable, "-c", SCRIPT, "tune", *data, "--trial-epochs", "1", *options]
        with open(tmp_path / f"{name}.log", "a") as log:
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_killed_workers_trial_is_ended_by_another_and_the_chief_ends_by_itself(tmp_path, start):
    options = ["--trials", "5", "--trial-steps", "60", "--worker-timeout", "4"]
    chief, killed, left = (start(name, *options) for name in ("chief", "worker-a", "worker-b"))
    folder = tmp_path / "run" / "tuner"

    def at_work() -> str | None:
        """Return the trial that worker-a is in the middle of, as the chief has it."""
        path = folder / "oracle.json"
        trial = json.loads(path.read_text())["ongoing_trials"].get("worker-a") if path.exists() else None
        return trial if trial and (folder / f"trial_{trial}" / "checkpoint.safetensors").exists() else None

    deadline = time.monotonic() + 120
    while (trial := at_work()) is None:
        assert time.monotonic() < deadline and killed.poll() is None, (tmp_path / "worker-a.log").read_text()
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    assert chief.wait(timeout=200) == 0, (tmp_path / "chief.log").read_text()
    assert left.wait(timeout=30) == 0
    report = json.loads((tmp_path / "run" / "trials.json").read_text())
    assert [row["status"] for row in report["trials"]] == ["COMPLETED"] * 5
    assert all(len(row["history"]) == 1 and row["ended"] for row in report["trials"])
    log = (tmp_path / "chief.log").read_text()
    assert f"worker-a is silent; trial {trial} goes to the next worker" in log and "5 of 5 trials completed" in log
    ends = [line for line in (tmp_path / "worker-b.log").read_text().splitlines() if line.startswith(f"trial {trial} ")]
    assert len(ends) == 1
    assert "no further trials" in (tmp_path / "worker-b.log").read_text()


@pytest.mark.slow
def test_a_killed_chief_goes_on_where_it_was(tmp_path, start):
    options = ["--trials", "3", "--trial-steps", "60", "--worker-timeout", "4"]
    chief, worker = start("chief", *options), start("worker", *options)
    first = tmp_path / "run" / "tuner" / "trial_1" / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not first.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    chief.send_signal(signal.SIGKILL)
    chief.wait()
    chief = start("chief", *options)
    if worker.wait(timeout=200) != 0:  # it was in the middle of a call when the chief died
        assert "start it again, then this worker" in (tmp_path / "worker.log").read_text()
        worker = start("worker", *options)
    assert chief.wait(timeout=200) == 0
    report = json.loads((tmp_path / "run" / "trials.json").read_text())
    assert [row["status"] for row in report["trials"]] == ["COMPLETED"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"), [("worker", "the chief at 127.0.0.1:"), ("chief", "no worker has called for 3 seconds")]
)
def test_nobody_waits_for_ever(tmp_path, start, monkeypatch, name, message):
    monkeypatch.setenv("MAX_SILENCE_S", "3")
    assert start(name).wait(timeout=120) == 2
    error = (tmp_path / f"{name}.log").read_text().strip().splitlines()[-1]
    assert error.startswith("trazo: ") and message in error


def test_a_taken_port_is_told(monkeypatch):
    """gRPC would share it with another chief, and each would answer some of the workers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        monkeypatch.setenv(cluster.IP, "127.0.0.1")
        monkeypatch.setenv(cluster.PORT, port)
        with pytest.raises(TrazoError, match=f"127.0.0.1:{port} is taken; another chief"):
            cluster.serve(lambda: None, None)


@pytest.fixture
def no_cluster(monkeypatch):
    """Take KerasTuner's variables away, and what `role` sets when the test is over."""
    for name in (cluster.ID, cluster.IP, cluster.PORT):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({cluster.IP: "127.0.0.1"}, "KERASTUNER_TUNER_ID is to say which one"),
        ({cluster.ID: "chief", cluster.IP: "8.8.8.8"}, "can steer the search"),
        ({cluster.ID: "chief", cluster.IP: "0.0.0.0"}, "can steer the search"),
        ({cluster.ID: "worker", cluster.IP: "no such host"}, "no address of a machine that is known here"),
        ({cluster.ID: "worker", cluster.PORT: "99999"}, "KERASTUNER_ORACLE_PORT must be a number from 1 to 65535"),
    ],
)
def test_what_does_not_fit_together_is_refused(monkeypatch, no_cluster, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrazoError, match=message) as caught:
        cluster.role()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "role"), [("chief", "chief"), ("worker-3", "worker")])
def test_without_an_address_it_is_the_loopback(monkeypatch, no_cluster, name, role):
    monkeypatch.setenv(cluster.ID, name)
    assert cluster.role() == role
    assert os.environ[cluster.IP] == "127.0.0.1"


def test_a_worker_gives_signs_of_life_as_long_as_its_trial_runs_also_when_one_gets_lost():
    class Chief:
        def get_trial(self, trial_id):
            asked.append(trial_id)
            if len(asked) == 1:
                raise grpc.RpcError
            heard.set()

    asked, heard, threads = [], threading.Event(), threading.active_count()
    with cluster.heartbeat(Chief(), "7", timeout=0.01):
        assert heard.wait(60)
    assert set(asked) == {"7"}
    deadline = time.monotonic() + 60
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == threads


# --- The chief's oracle, called as KerasTuner's server calls it ---


@pytest.fixture
def oracle(tmp_path):
    tune = TuneConfig(trials=2, worker_timeout=1)
    oracle = make_oracle(tune, "multiclass", lambda hp: True)
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    oracle.update_space(hp)
    oracle._set_project_dir(str(tmp_path), "tuner")
    return oracle


@pytest.fixture
def clock(monkeypatch):
    """Return a list whose one number is the time in seconds."""
    now = [1000.0]
    monkeypatch.setattr("training.tuning.oracles.time.monotonic", lambda: now[0])
    return now


def end(oracle, trial, score):
    oracle.update_trial(trial.trial_id, {"val_accuracy": score})
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)


def test_a_worker_waits_while_anothers_trial_may_still_fall_free(clock, oracle):
    a, b = oracle.create_trial("a"), oracle.create_trial("b")
    end(oracle, b, 0.5)
    assert oracle.create_trial("b").status == TrialStatus.IDLE and not oracle.finished()
    clock[0] += 0.9
    oracle.get_trial(a.trial_id)  # a sign of life
    clock[0] += 0.9
    assert oracle.create_trial("b").status == TrialStatus.IDLE
    clock[0] += 1.1
    again = oracle.create_trial("b")
    assert (again.status, again.trial_id) == (TrialStatus.RUNNING, a.trial_id)
    end(oracle, again, 0.75)
    assert oracle.create_trial("b").status == TrialStatus.STOPPED and oracle.finished()


def test_the_first_result_of_a_trial_counts(clock, oracle):
    a = oracle.create_trial("a")
    clock[0] += 2
    again = oracle.create_trial("b")
    assert again.trial_id == a.trial_id
    end(oracle, again, 0.75)
    ends = []
    oracle.after_change = lambda: ends.append(1)
    end(oracle, a, 0.25)
    assert not ends and oracle.end_order == [a.trial_id]
    assert oracle.get_trial(a.trial_id).score == 0.75
    assert oracle.create_trial("a").trial_id != a.trial_id


def test_a_worker_that_comes_back_in_time_goes_on_with_its_trial(clock, oracle):
    a = oracle.create_trial("a")
    clock[0] += 0.5
    assert oracle.create_trial("a").trial_id == a.trial_id
    assert oracle.create_trial("b").trial_id != a.trial_id


def test_a_chief_whose_workers_all_died_is_not_over(clock, oracle):
    oracle.create_trial("a")
    clock[0] += 1000
    assert not oracle.finished() and oracle.seconds_since_heartbeat() == 1000


def test_workers_whose_time_is_up_need_not_ask_again(clock, oracle):
    oracle.deadline = clock[0] + 10
    oracle.create_trial("a")
    clock[0] += 9
    assert not oracle.finished()
    clock[0] += 1.5  # the time is up, and the worker may still be at its epoch's end
    oracle.get_trial("0")
    assert not oracle.finished()
    clock[0] += 1.5
    assert oracle.finished()


def test_a_chief_that_starts_again_leaves_the_trials_with_their_workers(clock, oracle):
    a, b = oracle.create_trial("a"), oracle.create_trial("b")
    again = make_oracle(TuneConfig(trials=3, worker_timeout=1), "multiclass", lambda hp: True)
    again._set_project_dir(oracle._directory, oracle._project_name)
    again.reload()
    again.leave_with_workers()
    assert again.create_trial("c").trial_id not in (a.trial_id, b.trial_id)
    again.get_trial(a.trial_id)
    end(again, b, 0.5)  # finished while there was no chief
    for _ in range(3):  # both are alive
        clock[0] += 0.9
        again.get_trial(a.trial_id)
        again.get_trial("2")
        assert again.create_trial("b").status == TrialStatus.IDLE
    clock[0] += 0.9
    again.get_trial("2")
    clock[0] += 0.9  # a has been silent for too long
    assert again.create_trial("b").trial_id == a.trial_id
