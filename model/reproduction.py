"""The commands that make a model again, from the reports that lie beside its weights."""

import shlex
from typing import Any

from model import files

FOLDER = "runs/again"


def commands(training: dict[str, Any], trials: dict[str, Any] | None, evaluation: dict[str, Any] | None) -> list[str]:
    """Return the command lines; local datasets appear by their folder's name alone, as in the published reports.

    Args:
        training: training.json; one that does not keep its options gives no commands.
        trials: trials.json, which the hyperparameters come from unless training.json names a preset.
        evaluation: evaluation.json, or None.
    """
    if "options" not in training:
        return []
    data, asked = training["options"]["data"], training["options"]["training"]
    words = ["--output", FOLDER, *_datasets(training["data"]), *_options(data)]
    if preset := training["preset"]:
        lines = [["train", *words, "--preset", preset, *_options(asked)]]
    else:
        search = {"strategy": trials["strategy"], **trials["budget"]} if trials else {}
        lines = [["tune", *words, *_options(search), *_options(asked)], ["train", *words, *_options(asked)]]
    if evaluation:
        held_out = {name: value for name, value in data.items() if name in ("unit_column", "test_share", "problem")}
        split = {} if "," in evaluation["split"] else {"split": evaluation["split"]}
        kept = len(evaluation.get("mistakes", [])) or None
        measured = ["--model", FOLDER, *_datasets(evaluation), *_options(held_out | split | {"mistakes": kept})]
        lines.append(["evaluate", *measured])
    return [shlex.join(["python", "-m", "training", *line]) for line in lines]


def _datasets(about: dict[str, Any]) -> list[str]:
    words = []
    for one in files.datasets_of(about):
        words += ["--sketches" if one.get("sketches") else "--dataset", one["dataset"]]
    first = files.datasets_of(about)[0]
    return words + (["--revision", first["revision"]] if first.get("revision") else [])


def _options(values: dict[str, Any]) -> list[str]:
    given = {name: value for name, value in values.items() if value is not None}
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
