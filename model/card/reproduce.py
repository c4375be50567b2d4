"""The commands that train and evaluate a model again, from the reports next to its weights."""

import shlex
from typing import TYPE_CHECKING, Any

from model.heads import HEADS

if TYPE_CHECKING:
    from model.io.reports.data import DatasetEntry
    from model.io.reports.evaluation import EvaluationReport, Measures
    from model.io.reports.training import TrainingReport
    from model.io.reports.trials import TrialsReport

FOLDER = "runs/again"


def list_commands(
    training: "TrainingReport", trials: "TrialsReport | None", evaluation: "EvaluationReport | None"
) -> list[str]:
    """Return the command lines; local datasets appear by their folder's name alone, as in the published reports.

    Args:
        training: without `options`, as in older versions, there are no commands.
        trials: the search that the hyperparameters come from unless `training` names a preset, or None.
        evaluation: or None.
    """
    if training.options is None:
        return []
    data, chosen = training.options.data, _options(training.options.training)
    words = ["--output", FOLDER, *_datasets(training.data.sources), *_options(data)]
    start = training.starting_point
    if start and start.architecture:
        lines = [["train", *words, "--backbone", start.name, *([] if start.frozen else ["--finetune"]), *chosen]]
    elif training.preset:
        started = ["--start-from", start.name] if start else []
        lines = [["train", *words, "--preset", training.preset, *started, *chosen]]
    else:
        lines = [["tune", *words, *(_search(trials) if trials else [])], ["train", *words, *chosen]]
    if evaluation:
        lines.append(["evaluate", "--model", FOLDER, *_evaluation(training, evaluation)])
    return [shlex.join(["python", "-m", "training", *line]) for line in lines]


def _evaluation(training: "TrainingReport", evaluation: "EvaluationReport") -> list[str]:
    names = ["group_column", "test_fraction", "task", "classes", "max_rows", "no_scan"]
    if evaluation.dataset == training.data.sources[0].dataset:  # columns and config are those of one dataset
        names += ["config", "image_column", "label_column"]
    assert training.options is not None
    options = {name: value for name, value in training.options.data.items() if name in names}
    if "," not in evaluation.split:  # otherwise it describes rows that were held out, which is the default
        options["split"] = evaluation.split
    options["mistakes"] = len(evaluation.mistakes) or None
    options["average_views"] = evaluation.average_views
    return [*_datasets(evaluation.sources), *_options(options)]


def _search(trials: "TrialsReport") -> list[str]:
    budget = trials.budget.to_dict() if trials.budget else {}
    names = ["--search", *trials.searched] if trials.searched else []
    objective = trials.objective.name.removeprefix("val_")
    is_default = objective in {head.metric for head in HEADS.values()}
    own = {"strategy": trials.strategy, "objective": None if is_default else objective}
    return _options({**own, **budget, **(trials.overrides or {})}) + names


def _datasets(sources: "list[DatasetEntry] | list[Measures]") -> list[str]:
    words = []
    for source in sources:
        words += ["--sketches" if source.sketches else "--dataset", source.dataset]
    revision = sources[0].revision
    return words + (["--revision", revision] if revision else [])


def _options(values: dict[str, Any]) -> list[str]:
    words = []
    for name, value in values.items():
        if value is not None and value is not False:
            several = value if isinstance(value, (list, tuple)) else [] if value is True else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, several)]
    return words
