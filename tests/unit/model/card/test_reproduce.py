import shlex

import pytest

from model.card.reproduce import commands
from training import cli
from training import commands as steps

DATA = {"dataset": "someone/letters", "revision": None}
TRAINING = {
    "data": DATA,
    "preset": None,
    "options": {"data": {"config": "latin", "label_column": "letter"}, "training": {"epochs": 9, "loss": "hinge"}},
}
TRIALS = {
    "strategy": "random",
    "budget": {"trials": 7, "minutes": None, "trial_epochs": 2},
    "overrides": {"batch_size": 64},
    "searched": ["optimizer", "dropout"],
}
EVALUATION = DATA | {"split": "test"}


@pytest.fixture
def asked(monkeypatch) -> dict:
    """What the command line asks of each step when it is given the commands of a card."""
    found = {}
    for name in ("tune", "train", "evaluate"):
        monkeypatch.setattr(steps, name, lambda *given, name=name, **_: found.setdefault(name, given))

    def ask(training: dict, trials: dict | None, evaluation: dict) -> dict:
        for line in commands(training, trials, evaluation):
            assert cli.main(shlex.split(line)[3:]) == 0, line
        return found

    return ask


def test_a_search_is_repeated_with_its_own_options_and_the_training_with_its_own(asked):
    steps = asked(TRAINING, TRIALS, EVALUATION)
    data, fixed, tune = steps["tune"][:3]
    assert (data.dataset, data.config, data.label_column) == ("someone/letters", "latin", "letter")
    assert fixed == {"batch_size": 64}
    assert (tune.trials, tune.trial_epochs, tune.search) == (7, 2, ("optimizer", "dropout"))
    assert steps["train"][1] == {"epochs": 9, "loss": "hinge"}


def test_what_was_chosen_of_a_datasets_schema_is_measured_on_but_not_of_another_datasets(asked):
    (_, data, *_), other = asked(TRAINING, TRIALS, EVALUATION)["evaluate"], EVALUATION | {"dataset": "someone/else"}
    assert (data.config, data.label_column) == ("latin", "letter")
    assert "--config" not in commands(TRAINING, TRIALS, other)[-1]
