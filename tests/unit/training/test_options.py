"""Options: declared once, checked everywhere."""

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import get_type_hints

import pytest

from model.errors import TrazoError
from tests.conftest import SAMPLE
from training.augmentation.config import AugmentConfig
from training.cli import VERBS, build_parser, main
from training.config import TrainConfig
from training.options import Validated, format_given, make_check, option


@dataclass(frozen=True)
class Options(Validated):
    required: str = option()
    kind: str = option("a", choices=("a", "b"))
    share: float = option(0.5, low=0, high=1, help="share of rows")
    wait: float = option(1.0, low=0, exclusive=True)
    count: int | None = option(None, low=1)
    names: tuple[str, ...] = option(())
    folder: Path = option(Path())
    quiet: bool = option(False)


def test_options_values_of_the_type_and_in_range_are_kept():
    assert Options("x").count is None
    options = Options("x", kind="b", share=1, count=1, names=["a", "b"], folder=Path("c"), quiet=True)
    assert (options.share, options.count, options.names, options.folder) == (1, 1, ("a", "b"), Path("c"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "c"}, "unknown kind 'c'; there are a, b"),
        ({"kind": None}, "unknown kind None; there are a, b"),
        ({"share": 1.5}, "share must be a number from 0 to 1, not 1.5"),
        ({"share": float("nan")}, "share must be a number from 0 to 1, not nan"),
        ({"share": "1"}, "share must be a number from 0 to 1, not '1'"),
        ({"share": True}, "share must be a number from 0 to 1, not True"),
        ({"wait": 0}, "wait must be a number above 0, not 0"),
        ({"wait": float("inf")}, "wait must be a number above 0, not inf"),
        ({"count": 0}, "count must be a whole number of at least 1, not 0"),
        ({"count": 2.0}, "count must be a whole number of at least 1, not 2.0"),
        ({"count": True}, "count must be a whole number of at least 1, not True"),
        ({"count": "3"}, "count must be a whole number of at least 1, not '3'"),
        ({"names": "abc"}, "names must be a list, not 'abc'"),
        ({"names": ("a", 1)}, "names must be a text, not 1"),
        ({"folder": "c"}, "folder must be a path, not 'c'"),
        ({"quiet": 1}, "quiet must be true or false, not 1"),
    ],
)
def test_options_value_of_another_type_or_out_of_range_is_refused(values, message):
    with pytest.raises(TrazoError, match=message):
        Options("x", **values)


@pytest.mark.parametrize("config", dict.fromkeys(config for verb in VERBS.values() for config in verb.options))
def test_make_check_of_every_option_allows_its_default(config):
    types = get_type_hints(config)
    for declared in fields(config):
        check = make_check(declared, types[declared.name])
        if declared.default is not MISSING:
            assert check(declared.name, declared.default) == declared.default


def test_option_metadata_holds_help_and_range():
    metadata = {field.name: field.metadata for field in fields(Options)}
    assert metadata["share"].items() >= {"low": 0, "high": 1, "choices": None, "help": "share of rows"}.items()


def test_train_config_is_flat_and_checks_augmentation():
    assert {field.name for field in fields(AugmentConfig)} < {field.name for field in fields(TrainConfig)}
    with pytest.raises(TrazoError, match="stroke_jitter must be a number from 0 to 1, not 2"):
        TrainConfig(stroke_jitter=2)


@pytest.mark.parametrize("arguments", [["--output", ""], ["--output", " "], ["--split", ""], ["--classes", "a", ""]])
def test_options_empty_value_is_refused(tmp_path, monkeypatch, capsys, arguments):
    """As `--output "$FOLDER"` gives where the variable is not set: the run would land in the current folder."""
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--dataset", SAMPLE, "--output", "run", *arguments]) == 2
    assert f"{arguments[0]}: the value is empty; is a variable not set?" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_format_given_is_the_inverse_of_parsing():
    """Lists, repeated options, flags, numbers, and texts with spaces or a dash in front."""
    given = ["run", "--output=runs/x", "--dataset=a/b", "--dataset=c d", "--sketches=-e", "--classes", "0", "f g"]
    given += ["--track", "mlflow", "tensorboard", "--no-scan", "--minutes=2.5", "--max-rows=7", "--label-column=--x"]
    options = build_parser().parse_args(given)
    words = [word for config, skip in VERBS["run"].groups() for word in format_given(config, options, skip)]
    assert build_parser().parse_args(["run", *words]) == options
    assert len(words) == len(given) - 1
