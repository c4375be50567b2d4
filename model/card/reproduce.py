"""The commands that make a model again, from the reports that lie beside its weights."""

import shlex
from typing import Any

from model.io.reports import datasets_of

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
        lines = [["tune", *words, *(_search(trials) if trials else [])], ["train", *words, *_options(asked)]]
    if evaluation:
        # What was chosen of a dataset's schema holds for the same dataset alone.
        schema = ("config", "image_column", "label_column") if _first(evaluation) == _first(training["data"]) else ()
        names = ("group_column", "test_fraction", "task", *schema)
        chosen = {name: value for name, value in data.items() if name in names}
        split = {} if "," in evaluation["split"] else {"split": evaluation["split"]}
        kept = len(evaluation.get("mistakes", [])) or None
        measured = ["--model", FOLDER, *_datasets(evaluation), *_options(chosen | split | {"mistakes": kept})]
        lines.append(["evaluate", *measured])
    return [shlex.join(["python", "-m", "training", *line]) for line in lines]


def _search(trials: dict[str, Any]) -> list[str]:
    names = ["--search", *trials["searched"]] if trials.get("searched") else []
    return _options({"strategy": trials["strategy"], **trials["budget"], **trials["overrides"]}) + names


def _datasets(about: dict[str, Any]) -> list[str]:
    words = []
    for one in datasets_of(about):
        words += ["--sketches" if one.get("sketches") else "--dataset", one["dataset"]]
    revision = datasets_of(about)[0].get("revision")
    return words + (["--revision", revision] if revision else [])


def _first(about: dict[str, Any]) -> str:
    return datasets_of(about)[0]["dataset"]


def _options(values: dict[str, Any]) -> list[str]:
    given = {name: value for name, value in values.items() if value is not None}
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
