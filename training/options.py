"""Declare an option once, as a dataclass field with its help text and its range, and check the values it gets."""

from collections.abc import Sequence
from dataclasses import MISSING, Field, field, fields
from typing import Any

from model.errors import TrazoError


def option(
    default: Any = MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] | None = None,
    help: str = "",
) -> Any:
    """Return a dataclass field that carries its help text and its range as metadata.

    Args:
        default: the value if none is given; without a default the field is required.
        low: the smallest allowed value; None without a bound.
        high: the largest allowed value, only together with `low`; None without a bound.
        choices: all allowed values; None if any value will do.
        help: one line for users, without the default and the range.

    Example:
        >>> @dataclass(frozen=True)
        ... class Recipe:
        ...     epochs: int = option(20, low=1, high=100_000, help="epochs at most")
    """
    return field(default=default, metadata={"low": low, "high": high, "choices": choices, "help": help})


def validate(instance: Any) -> None:
    """Check every field of a dataclass against the range and the choices it was declared with.

    A value of None stands for "not set" and passes.

    Raises:
        TrazoError: if a value is unknown or out of range.
    """
    for declared in fields(instance):
        value = getattr(instance, declared.name)
        if value is not None:
            _check(declared, value)


def _check(declared: Field, value: Any) -> None:
    low, high, choices = (declared.metadata.get(key) for key in ("low", "high", "choices"))
    if choices is not None and value not in choices:
        raise TrazoError(f"unknown {declared.name} {value!r}; there are {', '.join(choices)}")
    # Written so that NaN, which is neither above nor below anything, is refused.
    if not ((low is None or value >= low) and (high is None or value <= high)):
        bounds = f"must lie between {low} and {high}" if high is not None else f"is at least {low}"
        raise TrazoError(f"{declared.name} {bounds}, not {value}")
