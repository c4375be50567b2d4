"""Checks of values that come from a file: what each allows, and what its message names."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from model.errors import TrazoError
from model.validation import check_fields, choice, listing, number, one_or_list, optional, text, texts_by_name, whole

CHECKS = {
    "whole": whole(1, 9),
    "number": number(0, 1),
    "choice": choice(("a", "b")),
    "text": text,
    "texts": texts_by_name,
    "list": listing(whole(1, 9), whole(1, 2), "sides"),
    "optional": optional(whole(1, 9)),
    "one or list": one_or_list(whole(1, 9)),
}


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        ("whole", 9, 9),
        ("number", 0, 0),
        ("number", 0.5, 0.5),
        ("choice", "b", "b"),
        ("text", "", ""),
        ("texts", {"keras": "3"}, {"keras": "3"}),
        ("list", [1, 2], (1, 2)),
        ("optional", None, None),
        ("optional", 3, 3),
        ("one or list", 3, 3),
        ("one or list", [3, 4], (3, 4)),
    ],
)
def test_check_allowed_value_is_returned_unconverted(check, value, expected):
    found = CHECKS[check]("size", value)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        ("whole", 0, "size must be a whole number from 1 to 9, not 0"),
        ("whole", 10, "not 10"),
        ("whole", 3.0, "not 3.0"),
        ("whole", True, "not True"),
        ("whole", "3", "not '3'"),
        ("number", 1.1, "size must be a number from 0 to 1, not 1.1"),
        ("number", float("nan"), "not nan"),
        ("number", False, "not False"),
        ("choice", "c", "unknown size 'c'; there are a, b"),
        ("text", 3, "size must be a text, not 3"),
        ("texts", {"keras": 3}, "size must be an object of texts"),
        ("texts", ["keras"], "size must be an object of texts"),
        ("list", 3, "size must be a list, not 3"),
        ("list", [1, 0], "size must be a whole number from 1 to 9, not 0"),
        ("list", [], "the number of sides must be a whole number from 1 to 2, not 0"),
        ("optional", "x", "not 'x'"),
        ("one or list", [3, None], "not None"),
    ],
)
def test_check_other_value_is_refused_with_name_range_and_value(check, value, message):
    with pytest.raises(TrazoError) as caught:
        CHECKS[check]("size", value)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@dataclass(frozen=True)
class Size:
    height: Annotated[int, whole(1, 9)] = 3
    sides: Annotated[tuple[int, ...], listing()] = ()

    def __post_init__(self) -> None:
        check_fields(self)


def test_check_fields_keeps_what_the_checks_return():
    assert Size(sides=[1, 2]).sides == (1, 2)


def test_check_fields_first_wrong_field_is_named():
    with pytest.raises(TrazoError, match="^height must be"):
        Size(height=0, sides=3)
