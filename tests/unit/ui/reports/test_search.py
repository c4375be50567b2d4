"""A search: the order of its trials, its best score over time, and the hyperparameters that vary."""

import copy

from tests.support.run_reports import TRIALS, write
from tests.support.search_report import REPORT, read_report
from ui.reports import parse


def test_ranked_smaller_loss_is_better(folder):
    search = parse.read_search(write(folder, "trials.json", TRIALS | {"objective": {"name": "l", "direction": "min"}}))
    assert [best for _, _, best in search.running_best()] == [0.95, 0.95, 0.95]
    assert [trial.order for trial in search.ranked().trials][:3] == [0, 3, 2]


def test_running_best_never_falls(folder):
    points = parse.read_search(folder).running_best()
    assert points == [(0, 0.95, 0.95), (2, 0.9876543, 0.9876543), (3, 0.97, 0.9876543)]


def test_varied_hyperparameters_missing_in_best_trial_come_last(tmp_path):
    space = [{"name": name, "values": [0, 1], "default": 0, "when": {}} for name in ("l1", "blocks")]
    trials = [
        REPORT["trials"][0] | {"trial_id": str(n), "score": 0.9 - 0.01 * n, "hyperparameters": point}
        for n, point in enumerate([{"blocks": 0}, {"blocks": 1, "l1": 0}, {"blocks": 1, "l1": 1}])
    ]
    values = [{"name": name, "importance": weight, "std": 0.0} for name, weight in (("l1", 0.9), ("blocks", 0.1))]
    report = {"space": space, "trials": trials, "best_trial": "0"}
    search = read_report(tmp_path, **report, importance=REPORT["importance"] | {"values": values})
    assert [hyperparameter.name for hyperparameter in search.varied()] == ["blocks", "l1"]


def test_varied_learning_rate_is_one_with_fixed_optimizer(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])[::2]
    for trial in trials:
        del trial["hyperparameters"]["optimizer"]
    search = read_report(tmp_path, trials=trials, best_trial=None)
    assert "learning_rate" in {hyperparameter.name for hyperparameter in search.varied()}


def test_stopped_trial_is_shown_as_such_and_compared_with_none_of_full_length(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])[:4]
    trials[3] |= {"score": 0.99, "stopped": "stopped after epoch 1 of 2: val_accuracy 0.9 was in place 4 of 4"}
    search = read_report(tmp_path, trials=trials, best_trial="02")
    stopped = search.trials[3]
    assert (stopped.status, stopped.reason) == ("STOPPED", trials[3]["stopped"])
    assert stopped not in search.comparable().trials and len(search.comparable().trials) == 3
    assert [order for order, _, _ in search.running_best()] == [0, 1, 2]
    columns, rows = search.table()
    assert rows[3][columns.index("reason")] == trials[3]["stopped"]
