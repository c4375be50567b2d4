"""The presets' networks within their budgets, their commands, and what the bundled model was measured at."""

import json
import re
import shlex

import pytest

from model.config import CnnConfig
from model.io.locate import PRETRAINED
from model.network import build_network
from model.scaling import Scaling
from training.cli import _parser
from training.config import TrainConfig
from training.presets import PRESETS

BUDGETS = {"fast": 120_000, "small": 7_000, "default": 500_000, "drawings": 500_000}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_as_large_as_its_docstring_says_and_its_command_is_one(name):
    network, training = PRESETS[name]()
    TrainConfig(**training)
    config = CnnConfig(**network | {"scaling": Scaling("min-max", (0.0,), (255.0,))})
    parameters = build_network(config).count_params()
    text = PRESETS[name].__doc__
    assert parameters <= BUDGETS[name] and f"{parameters:,} parameters" in text.replace("\n    ", " ")
    command = re.search(
        r"python -m training (train .*?)\n\s*(?:\"|$)", text.replace("\\\n", " ") + "\n", re.DOTALL
    ).group(1)
    assert _parser().parse_args(shlex.split(command)).preset == name


def test_the_bundled_model_is_what_the_project_promises():
    measured = json.loads((PRETRAINED / "evaluation.json").read_text())
    assert measured["dataset"] == "ylecun/mnist" and measured["rows"] == 10_000
    assert measured["accuracy"] >= 0.996 and measured["calibration"]["ece"] <= 0.003
    drawings = {one["dataset"]: one for one in measured["extra_datasets"]}
    assert set(drawings) == {"optdigits", "pendigits", "hwd1000"}
    for one in drawings.values():
        assert one["sketches"] and one["accuracy"] >= 0.98
