"""Declare an option once, as a dataclass field: its help, range and choices give the check, the parser and the docs."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from model.validation import Check, choice, flag, listing, number, optional, path, text, whole


def option(
    default: Any = MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    exclusive: bool = False,
    choices: Sequence[str] | None = None,
    help: str = "",
    unset: str = "",
    metavar: str | None = None,
    positional: bool = False,
    repeat: bool = False,
    extra: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """Return a dataclass field that carries its help text and its range as metadata.

    Args:
        default: the value if none is given; without a default the field is required.
        low: the smallest allowed value; None for no bound.
        high: the largest allowed value, only together with `low`; None for no bound.
        exclusive: `low` and `high` themselves, and infinity, are not allowed.
        choices: all allowed values; None if any value will do.
        help: one line for users, without the default and the range.
        unset: what a default of None, 0 or "" means, for users.
        metavar: the name of the value in the command's help.
        positional: the command takes it by its place, without `--name`.
        repeat: the command takes it several times, one value each.
        extra: more metadata, for readers other than this module.

    Example:
        >>> @dataclass(frozen=True)
        ... class Recipe:
        ...     epochs: int = option(20, low=1, high=100_000, help="epochs at most")
    """
    names = ("low", "high", "exclusive", "choices", "help", "unset", "metavar", "positional", "repeat")
    values = (low, high, exclusive, choices, help, unset, metavar, positional, repeat)
    return field(default=default, metadata={**dict(zip(names, values, strict=True)), **extra})


def list_options(config: type, skip: Sequence[str] = ()) -> list[Field]:
    """Return the fields of a dataclass that were declared with `option`, except those in `skip`."""
    return [declared for declared in fields(config) if declared.metadata.get("help") and declared.name not in skip]


def get_group_title(config: type) -> str:
    """Return what a group of options is called: the first sentence of the dataclass's docstring."""
    return (config.__doc__ or config.__name__).split(".")[0]


# --- Checks ---


class Validated:
    """A base of dataclasses whose fields are checked against their types and what they are declared with."""

    def __post_init__(self) -> None:
        """Check every field, and keep lists as tuples.

        Raises:
            TrazoError: for the first field whose value has another type, is unknown or out of range.
        """
        types = get_type_hints(type(self))
        for declared in fields(self):  # type: ignore[arg-type] # a dataclass, as the class says
            check = make_check(declared, types[declared.name])
            object.__setattr__(self, declared.name, check(declared.name, getattr(self, declared.name)))


def make_check(declared: Field, annotation: Any) -> Check:
    """Return the check of a field of this type: `T`, `tuple[T, ...]`, or one of these `| None`."""
    low, high, exclusive, choices = (declared.metadata.get(key) for key in ("low", "high", "exclusive", "choices"))
    value_type, several = _value_type(annotation)
    checks = {int: whole(low, high), float: number(low, high, bool(exclusive)), bool: flag, str: text, Path: path}
    check = choice(choices) if choices else checks[value_type]
    if several:
        check = listing(check)
    return optional(check) if NoneType in get_args(annotation) else check


# --- Command line ---


class OptionText(NamedTuple):
    """What users read about an option."""

    name: str  # as it is typed: `--batch-size`, or the metavar of a positional one
    values: str  # choices, range or type
    default: str  # empty if there is none
    help: str


def add_options(parser: argparse._ActionsContainer, config: type, skip: Sequence[str] = ()) -> None:
    """Add an argument for each option of a dataclass. Only what the user gives appears in the namespace."""
    types = get_type_hints(config)
    for declared in list_options(config, skip):
        about, text = declared.metadata, describe(declared, types[declared.name])
        notes = [text.values] if about["low"] is not None else []
        notes += [f"default: {text.default}"] if text.default else []
        line = f"{text.help} ({'; '.join(notes)})" if notes else text.help
        named: dict[str, Any] = {"help": line.replace("%", "%%"), "default": argparse.SUPPRESS}
        value_type, several = _value_type(types[declared.name])
        if value_type is bool:
            named["action"] = "store_true"
        else:
            named |= {"type": _converter(value_type), "choices": about["choices"], "metavar": about["metavar"]}
            if about["repeat"]:
                named["action"] = "append"
            elif several:
                named["nargs"] = "+"
        if about["positional"]:
            if declared.default is not MISSING:
                named["nargs"] = "?"
            parser.add_argument(declared.name, **named)
        else:
            required = declared.default is MISSING and not about["repeat"]
            parser.add_argument(f"--{declared.name.replace('_', '-')}", required=required, **named)


def _converter(value_type: type) -> Callable[[str], Any]:
    """Return what makes a value of this type from what was typed."""
    if value_type not in (str, Path):
        return value_type

    def convert(typed: str) -> Any:
        if not typed.strip():  # as a path, it would be the current folder
            raise argparse.ArgumentTypeError("the value is empty; is a variable not set?")
        return value_type(typed)

    return convert


def collect_given(config: type, namespace: argparse.Namespace, skip: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of a dataclass that the user gave; lists become tuples."""
    names = [declared.name for declared in list_options(config, skip) if hasattr(namespace, declared.name)]
    values = {name: getattr(namespace, name) for name in names}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def format_given(config: type, namespace: argparse.Namespace, skip: Sequence[str] = ()) -> list[str]:
    """Return the arguments for the fields that the user gave, as the parser takes them: the inverse of parsing.

    Example:
        >>> format_given(Recipe, parser.parse_args(["--epochs", "3"]))
        ['--epochs=3']
    """
    words: list[str] = []
    for declared in list_options(config, skip):
        value = getattr(namespace, declared.name, None)
        option_name = f"--{declared.name.replace('_', '-')}"
        if value is True:
            words.append(option_name)
        elif declared.metadata["repeat"]:
            words += [f"{option_name}={one}" for one in value or ()]
        elif isinstance(value, (list, tuple)):
            words += [option_name, *map(str, value)]
        elif value is not None and value is not False:
            words.append(f"{option_name}={value}")
    return words


def describe(declared: Field, annotation: Any) -> OptionText:
    """Return what users read about an option of this type."""
    about, (value_type, several) = declared.metadata, _value_type(annotation)
    name = (about["metavar"] or declared.name) if about["positional"] else f"--{declared.name.replace('_', '-')}"
    if about["choices"]:
        values = ", ".join(about["choices"])
    elif about["low"] is not None and about["high"] is not None:
        values = f"{about['low']:,} to {about['high']:,}" + (", both excluded" if about["exclusive"] else "")
    elif about["low"] is not None:
        values = f"above {about['low']}" if about["exclusive"] else f"{about['low']} or more"
    else:
        values = {bool: "flag", int: "whole number", float: "number", str: "text"}.get(value_type, "path")
    if several or about["repeat"]:
        values += "; may be repeated" if about["repeat"] else "; one or more"
    return OptionText(name, values, about["unset"] or _default_text(declared.default), about["help"])


def _default_text(default: Any) -> str:
    if default is MISSING or default is None or default is False or default in ("", ()):
        return ""
    return (
        f"{default:,}" if isinstance(default, int) else f"{default:g}" if isinstance(default, float) else str(default)
    )


def _value_type(annotation: Any) -> tuple[type, bool]:
    """Return (the type of one value, whether there may be several) of `T`, `T | None` or `tuple[T, ...]`."""
    if isinstance(annotation, UnionType):
        annotation = next(one for one in get_args(annotation) if one is not NoneType)
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0], True
    return annotation, False
