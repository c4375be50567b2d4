"""The commands on a card, given to the command line's own parser."""

import shlex

import pytest

from model.card.reproduce import list_commands
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport
from training import cli
from training.config import DataConfig

TRAINING = TrainingReport.build(
    data={"dataset": "someone/letters", "split": "train", "rows": {"train": 90, "validation": 10}},
    hyperparameters={},
    history=[],
    best_epoch=1,
    seed=0,
    seconds=1.0,
    parameters=10,
    options={"data": {"config": "latin", "label_column": "letter"}, "training": {"epochs": 9, "loss": "hinge"}},
)
TRIALS = TrialsReport.build(
    objective={"name": "val_accuracy", "direction": "max"},
    dataset="someone/letters",
    strategy="random",
    budget={"trials": 7, "minutes": None, "trial_epochs": 2},
    overrides={"batch_size": 64},
    searched=["optimizer", "dropout"],
    trials=[],
)
EVALUATION = EvaluationReport.build(dataset="someone/letters", split="test", rows=9, mean_absolute_error=0.5)


@pytest.fixture
def run_commands(monkeypatch):
    """Return what each step of the command line is called with for the commands of a card."""
    calls = {}
    for step in ("tune.tune", "train.train", "evaluate.evaluate_given"):
        name = step.partition(".")[2]
        monkeypatch.setattr(f"training.commands.{step}", lambda *given, name=name, **_: calls.setdefault(name, given))

    def run(training: TrainingReport, trials: TrialsReport | None, evaluation: EvaluationReport) -> dict:
        for line in list_commands(training, trials, evaluation):
            assert cli.main(shlex.split(line)[3:]) == 0, line
        return calls

    return run


def test_commands_search_and_training_keep_their_own_options(run_commands):
    calls = run_commands(TRAINING, TRIALS, EVALUATION)
    data, overrides, tune = calls["tune"][:3]
    assert (data.dataset, data.config, data.label_column) == ("someone/letters", "latin", "letter")
    assert overrides == {"batch_size": 64}
    assert (tune.trials, tune.trial_epochs, tune.search) == (7, 2, ("optimizer", "dropout"))
    assert calls["train"][1] == {"epochs": 9, "loss": "hinge"}


def test_commands_columns_are_only_for_their_own_dataset(run_commands):
    (_, given, *_), other = run_commands(TRAINING, TRIALS, EVALUATION)["evaluate_given"], {"dataset": "someone/else"}
    assert (given["config"], given["label_column"]) == ("latin", "letter")
    assert "--config" not in list_commands(TRAINING, TRIALS, EVALUATION.model_copy(update=other))[-1]


def test_commands_measure_with_the_same_views(run_commands):
    calls = run_commands(TRAINING, None, EVALUATION.model_copy(update={"average_views": "mirror"}))
    assert calls["evaluate_given"][-1] == "mirror"


def test_commands_lists_and_flags_are_given_as_the_parser_takes_them(run_commands):
    chosen = {"classes": ["a", "b c"], "max_rows": 900, "no_scan": True}
    options = {"data": chosen, "training": {}}
    training = TrainingReport.model_validate(TRAINING.model_dump(exclude_unset=True) | {"options": options})
    calls = run_commands(training, None, EVALUATION)
    for data in (calls["train"][0], DataConfig(**calls["evaluate_given"][1])):
        assert (data.classes, data.max_rows, data.no_scan) == (("a", "b c"), 900, True)
