"""Questions about the network, which anyone may send: all fields are checked."""

from base64 import b64encode
from types import SimpleNamespace

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.explain import Explainer
from ui.i18n import UserError
from ui.tabs.network_map import answer_question, inputs_value

REQUEST = SimpleNamespace(headers={}, client=SimpleNamespace(host="127.0.0.1"))
INPUT = np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)


@pytest.fixture(scope="module")
def supervisor():
    model = CnnModel(CnnConfig(filters=(3, 4), convolutions=1, dense_units=()))
    explainer = Explainer(model)
    return SimpleNamespace(ask=lambda function, *arguments: function(explainer, *arguments))


def ask(supervisor, **fields) -> dict:
    (sent,) = inputs_value([INPUT])["inputs"]
    return answer_question(supervisor, {"input": sent, **fields}, REQUEST)


def test_answer_question_each_kind_is_answered_for_the_image_that_was_sent(supervisor):
    stages = ask(supervisor, question="map")["stages"]
    assert [stage["name"] for stage in stages] == [
        "scaling", "block1_conv1", "block1_pool", "block2_conv1", "block2_pool", "mean", "head",
    ]  # fmt: skip
    assert ask(supervisor, question="stage", stage="block1_pool", first=0)["count"] == 3
    value = ask(supervisor, question="value", stage="scaling", unit=0, place=[3, 5])
    assert value["pixel"] == INPUT[3, 5, 0]
    assert ask(supervisor, question="value", stage="head", unit=9, place=None)["unit"] == 9
    assert ask(supervisor, question="evidence", label=3, other=5)["other"] == 5
    assert ask(supervisor, question="evidence")["other"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"question": "weights"},
        {"question": ["map"]},
        {"question": "map", "input": None},
        {"question": "map", "input": b64encode(bytes(783)).decode()},
        {"question": "map", "input": "A" * 10_000_000},
        {"question": "map", "input": "€" * 1048},
        {"question": "stage", "stage": None, "first": 0},
        {"question": "stage", "stage": "x" * 1000, "first": 0},
        {"question": "stage", "stage": "head", "first": -1},
        {"question": "stage", "stage": "head", "first": True},
        {"question": "stage", "stage": "head", "first": 1e3},
        {"question": "value", "stage": "head", "unit": "3", "place": None},
        {"question": "value", "stage": "head", "unit": 1 << 40, "place": None},
        {"question": "value", "stage": "head", "unit": 3, "place": 7},
        {"question": "value", "stage": "head", "unit": 3, "place": [0]},
        {"question": "value", "stage": "head", "unit": 3, "place": [0, None]},
        {"question": "evidence", "label": "7"},
        {"question": "evidence", "label": 1, "other": 1},
    ],
)
def test_answer_question_wrong_field_is_refused(supervisor, fields):
    with pytest.raises(UserError):
        ask(supervisor, **fields)
