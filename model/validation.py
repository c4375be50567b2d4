"""Strict checks of the values of a dataclass, declared with the field they check.

A check is a function of a name and a value. It returns the value, with JSON's lists as tuples, or raises a
`TrazoError` of one line: the name, what is allowed and what was found. Nothing is converted: "3", 3.0 and True are not
whole numbers. Pydantic would do this too, but takes 100 ms of CPU time to import, this module with what it needs 25 ms.

Example:
    >>> @dataclass(frozen=True)
    ... class Size:
    ...     height: Annotated[int, whole(1, 1024)] = 28
    ...
    ...     def __post_init__(self) -> None:
    ...         check_fields(self)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from model.errors import TrazoError

Check = Callable[[str, Any], Any]


def check_fields(instance: Any) -> None:
    """Check every field of a dataclass by the check that its annotation holds, and keep what the check returns.

    Raises:
        TrazoError: for the first field whose value is not allowed.
    """
    for field in fields(instance):
        (check,) = field.type.__metadata__  # type: ignore[union-attr] # `Annotated`; a field without a check is a bug
        # The way that the documentation of `dataclasses` gives for frozen ones.
        object.__setattr__(instance, field.name, check(field.name, getattr(instance, field.name)))


def any_value(name: str, value: Any) -> Any:
    """Allow everything; for a field that is checked together with others."""
    return value


def whole(low: int | None = None, high: int | None = None) -> Check:
    """Allow whole numbers from `low` to `high`; None for no bound."""

    def check(name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not _lies_between(value, low, high):
            raise TrazoError(f"{name} must be a whole number{_range_text(low, high)}, not {value!r}")
        return value

    return check


def number(low: float | None = None, high: float | None = None, exclusive: bool = False) -> Check:
    """Allow finite numbers from `low` to `high`, without these two if `exclusive`; None for no bound. NaN is none."""

    def check(name: str, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf
        if not is_number or not _lies_between(value, low, high, exclusive):
            raise TrazoError(f"{name} must be a number{_range_text(low, high, exclusive)}, not {value!r}")
        return value

    return check


def _lies_between(value: float, low: float | None, high: float | None, exclusive: bool = False) -> bool:
    if exclusive and value in (low, high):
        return False
    return (low is None or low <= value) and (high is None or value <= high)


def _range_text(low: float | None, high: float | None, exclusive: bool = False) -> str:
    bottom, top = (f"{bound:g}" if isinstance(bound, float) else f"{bound}" for bound in (low, high))
    if low is None:
        return ""
    if exclusive:
        return f" above {bottom}" + ("" if high is None else f" and below {top}")
    return f" of at least {bottom}" if high is None else f" from {bottom} to {top}"


def choice(choices: Sequence[str]) -> Check:
    """Allow some texts."""

    def check(name: str, value: Any) -> str:
        if value not in choices:
            raise TrazoError(f"unknown {name} {value!r}; there are {', '.join(choices)}")
        return value

    return check


def instance_of(kind: type, noun: str) -> Check:
    """Allow values of one type, which messages call `noun`."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, kind):
            raise TrazoError(f"{name} must be {noun}, not {value!r}")
        return value

    return check


text = instance_of(str, "a text")
flag = instance_of(bool, "true or false")
path = instance_of(Path, "a path")


def texts_by_name(name: str, value: Any) -> dict[str, str]:
    """Allow an object whose values are texts."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for pair in value.items() for one in pair):
        raise TrazoError(f"{name} must be an object of texts, not {value!r}")
    return value


def listing(each: Check = any_value, count: Check | None = None, counted: str = "") -> Check:
    """Allow lists; `each` checks every item, `count` the number of them, which messages call `counted`."""

    def check(name: str, value: Any) -> tuple:
        if not isinstance(value, (list, tuple)):
            raise TrazoError(f"{name} must be a list, not {value!r}")
        if count is not None:
            count(f"the number of {counted or name}", len(value))
        return tuple(each(name, item) for item in value)

    return check


def optional(check: Check) -> Check:
    """Allow None, and what another check allows."""
    return lambda name, value: None if value is None else check(name, value)


def one_or_list(each: Check) -> Check:
    """Allow what `each` allows, or a list of it."""
    return lambda name, value: (listing(each) if isinstance(value, (list, tuple)) else each)(name, value)
