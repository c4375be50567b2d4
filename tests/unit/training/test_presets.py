"""Presets: network sizes, commands in their docstrings, and the accuracy of the bundled model."""

import json
import re
import shlex

import pytest

from model.config import CnnConfig
from model.io.locate import PRETRAINED
from model.network import build_network
from model.scaling import Scaling
from training.cli import build_parser
from training.config import TrainConfig
from training.presets import PRESETS

BUDGETS = {"fast": 120_000, "small": 7_000, "default": 500_000, "drawings": 500_000}


@pytest.mark.parametrize("name", PRESETS)
def test_preset_docstring_has_right_size_and_valid_command(name):
    preset = PRESETS[name]()
    TrainConfig(**preset.training)
    config = CnnConfig(**preset.architecture | {"scaling": Scaling("min-max", (0.0,), (255.0,))})
    parameters = build_network(config).count_params()
    text = PRESETS[name].__doc__
    assert parameters <= BUDGETS[name] and f"{parameters:,} parameters" in text.replace("\n    ", " ")
    command = re.search(
        r"python -m training (train .*?)\n\s*(?:\"|$)", text.replace("\\\n", " ") + "\n", re.DOTALL
    ).group(1)
    assert build_parser().parse_args(shlex.split(command)).preset == name


def test_bundled_model_meets_promised_accuracy():
    measured = json.loads((PRETRAINED / "evaluation.json").read_text())
    assert measured["dataset"] == "ylecun/mnist" and measured["rows"] == 10_000
    assert measured["accuracy"] >= 0.996 and measured["calibration"]["ece"] <= 0.003
    drawings = {one["dataset"]: one for one in measured["extra_datasets"]}
    assert set(drawings) == {"optdigits", "pendigits", "hwd1000"}
    for one in drawings.values():
        assert one["sketches"] and one["accuracy"] >= 0.98
