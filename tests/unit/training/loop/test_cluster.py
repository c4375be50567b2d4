"""Which processes train together, as launchers say it."""

import json
import socket
import threading
import time

import pytest

from model.errors import TrazoError
from training.loop.cluster import (
    Task,
    WorkerLostError,
    expand_counts,
    expand_hosts,
    find_task,
    is_slurm_step,
    parse_slurm_step,
    parse_tf_config,
    wait_until_all_listen,
)
from training.processes import free_addresses

CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "b:2"]}


def environment(cluster: object, job: str = "worker", index: object = 1) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})}


def test_parse_tf_config_names_this_process():
    assert parse_tf_config(environment(CLUSTER)) == Task(CLUSTER, "worker", 1)
    assert parse_tf_config(environment(CLUSTER, index="0")) == Task(CLUSTER, "worker", 0)


@pytest.mark.parametrize("given", [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": "{}"}, environment({})])
def test_parse_tf_config_without_a_cluster_is_none(given):
    assert parse_tf_config(given) is None and find_task(given) is None


@pytest.mark.parametrize(
    "given",
    [
        {"TF_CONFIG": "worker"},
        {"TF_CONFIG": "[1]"},
        {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}}'},
        environment({"worker": 3}),
        environment(CLUSTER, index=2),
        environment(CLUSTER, index=-1),
        environment(CLUSTER, job="master"),
        environment(CLUSTER | {"ps": ["c:1"]}),
        environment(CLUSTER | {"evaluator": ["c:1"]}),
    ],
)
def test_parse_tf_config_with_a_mistake_says_what_it_must_be(given):
    with pytest.raises(TrazoError, match="TF_CONFIG (must be like|names tasks of)"):
        parse_tf_config(given)


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"worker": ["a:1", "b"]}, "names a worker at 'b': give host and port"),
        ({"worker": ["a:1", ":2"]}, "names a worker at ':2': give host and port"),
        ({"worker": ["a:1", "b:two"]}, "the port of b:two in TF_CONFIG must be a number from 1 to 65535"),
        ({"worker": ["a:1", "a:1"]}, "names a:1 more than once"),
        ({"chief": ["a:1"], "worker": ["a:1"]}, "names a:1 more than once"),
        ({"chief": ["a:1", "b:1"], "worker": ["c:1"]}, "names 2 chiefs: there is one at most"),
    ],
)
def test_parse_tf_config_addresses_that_cannot_be_are_refused(cluster, message):
    with pytest.raises(TrazoError, match=message) as caught:
        parse_tf_config(environment(cluster, index=0))
    assert caught.value.exit_code == 2


def test_find_task_counts_the_chief_first_and_one_process_is_none():
    chief, worker = (find_task(environment(CLUSTER, job, index)) for job, index in (("chief", 0), ("worker", 1)))
    assert (chief.rank, worker.rank) == (0, 2) and worker.addresses == ["a:1", "b:1", "b:2"]
    assert find_task(environment({"worker": ["a:1"]}, index=0)) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, False),
        ({"SLURM_STEP_NODELIST": "n1", "SLURM_STEP_NUM_TASKS": "1"}, False),
        ({"SLURM_STEP_NODELIST": "n[1-2]", "SLURM_STEP_NUM_TASKS": "4"}, True),
        ({"SLURM_STEP_NUM_TASKS": "4"}, False),
    ],
)
def test_is_slurm_step_only_with_several_tasks(given, expected):
    assert is_slurm_step(given) is expected


def step(**variables: str) -> dict[str, str]:
    names = {"STEP_NODELIST": "n[9-10],m1", "STEP_TASKS_PER_NODE": "2(x2),1", "STEP_NUM_TASKS": "5", "PROCID": "2"}
    return {f"SLURM_{name}": value for name, value in (names | variables).items()}


def test_parse_slurm_step_numbers_tasks_in_the_order_of_the_machines():
    task = find_task(step(JOB_ID="7"))
    assert (task.job, task.rank) == ("worker", 2)
    first = 20_000 + 7 * 64
    ports = {"n9": (0, 1), "n10": (0, 1), "m1": (0,)}
    assert task.addresses == [f"{host}:{first + number}" for host, numbers in ports.items() for number in numbers]


def test_parse_slurm_step_each_job_has_its_ports_which_exist():
    addresses = [address for job in range(100) for address in parse_slurm_step(step(JOB_ID=str(job))).addresses]
    assert len(set(addresses)) == len(addresses)
    ports = [int(address.rpartition(":")[2]) for address in parse_slurm_step(step(JOB_ID="123456789")).addresses]
    assert all(20_000 <= port < 32_000 for port in ports)


@pytest.mark.parametrize("distribution", ["cyclic", "cyclic:block", "plane=2", "arbitrary"])
def test_parse_slurm_step_tasks_that_are_dealt_out_are_refused(distribution):
    with pytest.raises(TrazoError, match=f"SLURM_DISTRIBUTION is {distribution}.*--distribution=block"):
        parse_slurm_step(step(DISTRIBUTION=distribution))
    one_each = step(DISTRIBUTION=distribution, STEP_TASKS_PER_NODE="1(x3)")
    assert parse_slurm_step(one_each).rank == 2  # the order is the same
    assert parse_slurm_step(step(DISTRIBUTION="block:cyclic")).rank == 2


@pytest.mark.parametrize(
    "variables",
    [
        {"PROCID": "5"},
        {"PROCID": "x"},
        {"STEP_NODELIST": "n[9-"},
        {"STEP_TASKS_PER_NODE": "2(y2)"},
        {"STEP_TASKS_PER_NODE": "2(x2)"},
        {"JOB_ID": "a"},
    ],
)
def test_parse_slurm_step_that_is_not_understood_is_refused(variables):
    with pytest.raises(TrazoError, match="the step of Slurm is not understood .*TF_CONFIG instead"):
        parse_slurm_step(step(**variables))


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("n1", ["n1"]),
        ("n[9-10,12],m1", ["n9", "n10", "n12", "m1"]),
        ("gpu-a[008-010]-ib", ["gpu-a008-ib", "gpu-a009-ib", "gpu-a010-ib"]),
        ("r[1-2]n[1,3]", ["r1n1", "r1n3", "r2n1", "r2n3"]),
    ],
)
def test_expand_hosts_keeps_order_and_zeros(text, hosts):
    assert expand_hosts(text) == hosts


@pytest.mark.parametrize("text", ["", "n1,", ",n1", "n[1", "n1]", "n[]", "n[1-]", "n[a]", "n[1][", "n1,,n2"])
def test_expand_hosts_that_is_no_list_is_an_error(text):
    with pytest.raises(ValueError, match="is not a list of hosts"):
        expand_hosts(text)


def test_expand_counts_repeats():
    assert expand_counts("2(x2),1") == [2, 2, 1] and expand_counts("4") == [4]


def test_wait_until_all_listen_waits_for_the_last_one():
    early, late = free_addresses(2)

    def listen() -> None:
        time.sleep(0.5)
        opened.append(socket.create_server(("127.0.0.1", int(late.rpartition(":")[2]))))

    opened = [socket.create_server(("127.0.0.1", int(early.rpartition(":")[2])))]
    thread = threading.Thread(target=listen)
    thread.start()
    try:
        wait_until_all_listen([early, late])
        assert len(opened) == 2
    finally:
        thread.join()
        for one in opened:
            one.close()


@pytest.mark.parametrize("address", [*free_addresses(1), "no-such-host.invalid:2222"], ids=["port", "host"])
def test_wait_until_all_listen_names_the_one_that_does_not_come(address):
    with pytest.raises(WorkerLostError, match=f"no worker listens at {address} after 0 s .*run the same command again"):
        wait_until_all_listen([address], timeout_s=0.0)
