"""What an address can open, and what it cannot."""

import json

import pytest

from ui.edges.kernels import KERNELS
from ui.lesson import STEPS
from ui.tabs.link import PARAMETERS, opens_something, read_link
from ui.tabs.train_here import CONTROLS


def test_link_every_parameter_is_read():
    query = {
        "tab": "edges",
        "part": "try",
        "photo": "brick",
        "kernel": "1,0,-1;2,0,-2;1,0,-1",
        "threshold": "80.5",
        "flip": "0",
        "sign": "signed",
        "show": "gray",
        "stride": "2",
        "padding": "valid",
        "px": "120,88",
        **{name: values[-1] for name, values in CONTROLS.items()},
    }
    found, refused = read_link(query | {"utm_source": "<script>", "__theme": "dark"})
    assert refused == []
    assert found == query | {
        "kernel": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
        "threshold": 80.5,
        "flip": "correlation",
        "stride": 2,
        "px": (120, 88),
    }
    assert {*query, "lesson"} == set(PARAMETERS)


@pytest.mark.parametrize("name", KERNELS)
def test_link_every_named_kernel_is_read(name):
    assert read_link({"kernel": name}) == ({"kernel": name}, [])


@pytest.mark.parametrize(
    "value", ["", "<script>alert(1)</script>", "../../etc/passwd", "NaN", "1e999", "-1", "9" * 1500]
)
@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "threshold"])
def test_link_hostile_value_is_refused_by_its_name_alone(name, value):
    assert read_link({name: value}) == ({}, [name])


@pytest.mark.parametrize("value", ["", "nan", "inf", "1e999", "a", "[1]"])
def test_link_threshold_that_is_not_finite_is_refused(value):
    assert read_link({"threshold": value}) == ({}, ["threshold"])


@pytest.mark.parametrize(
    "kernel",
    ["1", "1,2;3,4", "1,2,3;4,5,6", ";".join(["0," * 6 + "0"] * 7), "nan,1,1;1,1,1;1,1,1", "1e9,1,1;1,1,1;1,1,1"],
)
def test_link_kernel_that_cannot_be_edited_is_refused(kernel):
    assert read_link({"kernel": kernel}) == ({}, ["kernel"])


@pytest.mark.parametrize("value", [None, 3, ["edges"], {"a": 1}])
def test_link_value_that_is_not_a_text_is_refused(value):
    assert read_link({"tab": value}) == ({}, ["tab"])


def test_link_step_brings_its_controls_and_the_address_comes_first():
    bricks = next(number for number, step in enumerate(STEPS, 1) if step.name == "bricks")
    found, refused = read_link({"lesson": str(bricks), "kernel": "sobel"})
    assert refused == [] and found["photo"] == "brick" and found["kernel"] == "sobel" and found["lesson"] == bricks
    assert read_link({"lesson": str(len(STEPS) + 1)}) == ({}, ["lesson"])


def test_link_language_alone_opens_nothing():
    assert not opens_something({"lang": "es"}) and opens_something({"lang": "es", "photo": "brick"})
    json.dumps(list(PARAMETERS))  # the browser gets their names
