"""Options: declared once, checked everywhere."""

from dataclasses import dataclass, fields

import pytest

from model.errors import TrazoError
from training.augmentation.config import AugmentConfig
from training.config import TrainConfig
from training.options import option, validate


@dataclass(frozen=True)
class Options:
    required: str = option()
    kind: str = option("a", choices=("a", "b"))
    share: float = option(0.5, low=0, high=1, help="share of rows")
    count: int | None = option(None, low=1)


def test_validate_values_in_range_passes():
    validate(Options("x"))
    validate(Options("x", kind="b", share=1, count=1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "c"}, "unknown kind 'c'; there are a, b"),
        ({"share": 1.5}, "share must lie between 0 and 1, not 1.5"),
        ({"share": float("nan")}, "share must lie between 0 and 1, not nan"),
        ({"count": 0}, "count is at least 1, not 0"),
    ],
)
def test_validate_value_out_of_range_is_refused(values, message):
    with pytest.raises(TrazoError, match=message):
        validate(Options("x", **values))


def test_option_metadata_holds_help_and_range():
    metadata = {field.name: field.metadata for field in fields(Options)}
    assert metadata["share"].items() >= {"low": 0, "high": 1, "choices": None, "help": "share of rows"}.items()


def test_train_config_is_flat_and_checks_augmentation():
    assert {field.name for field in fields(AugmentConfig)} < {field.name for field in fields(TrainConfig)}
    with pytest.raises(TrazoError, match="stroke_jitter must lie between 0 and 1, not 2"):
        TrainConfig(stroke_jitter=2)
