"""Which processes train together, as launchers say it."""

import json

import pytest

from model.errors import TrazoError
from training.loop.cluster import Task, is_described, is_slurm_step, parse_tf_config

CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "b:2"]}


def environment(cluster: object, job: str = "worker", index: object = 1) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})}


def test_parse_tf_config_names_this_process():
    assert parse_tf_config(environment(CLUSTER)) == Task(CLUSTER, "worker", 1)
    assert parse_tf_config(environment(CLUSTER, index="0")) == Task(CLUSTER, "worker", 0)


@pytest.mark.parametrize("given", [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": "{}"}, environment({})])
def test_parse_tf_config_without_a_cluster_is_none(given):
    assert parse_tf_config(given) is None and not is_described(given)


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
    ("given", "expected"),
    [
        ({}, False),
        ({"SLURM_STEP_NODELIST": "n1", "SLURM_STEP_NUM_TASKS": "1"}, False),
        ({"SLURM_STEP_NODELIST": "n[1-2]", "SLURM_STEP_NUM_TASKS": "4"}, True),
        ({"SLURM_STEP_NUM_TASKS": "4"}, False),
    ],
)
def test_is_slurm_step_only_with_several_tasks(given, expected):
    assert is_slurm_step(given) is is_described(given) is expected
