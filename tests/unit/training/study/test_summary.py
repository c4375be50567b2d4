"""The summary of a study: means, intervals, verdicts, and early stopping from the base network's runs."""

import pytest

from model.io.reports.study import Level as LevelReport
from model.io.reports.trials import Trial
from training.study.design import BASE, Level
from training.study.summary import Measure, compare, summarize

ACCURACY = Measure("accuracy", higher_is_better=True)


def run(level: str, seed: int, scores: list[float | None], losses: list[float] | None = None) -> Trial:
    """Return a run with one validation accuracy per epoch; None for a run that failed. Later seeds are slower."""
    failed = scores == [None]
    rows = [] if failed else list(zip(scores, losses or scores, strict=True))
    history = [
        {"epoch": number, "val_accuracy": score, "val_loss": loss, "loss": 1.0, "seconds": 2.0 + seed}
        for number, (score, loss) in enumerate(rows, 1)
    ]
    return Trial.model_validate(
        {
            "trial_id": f"{seed}",
            "status": "FAILED" if failed else "COMPLETED",
            "reason": "the loss is no longer finite" if failed else None,
            "hyperparameters": {"level": level, "seed": seed},
            "score": None if failed else max(scores),
            "history": history,
            "parameters": 10,
            "seconds": 4.0 + seed,
        }
    )


def level_report(value: str, scores: list[float], is_base: bool = False, group: str = "") -> LevelReport:
    mean = sum(scores) / len(scores)
    return LevelReport(value=value, is_base=is_base, group=group, scores=scores, mean=mean, verdict="unknown")


def verdicts(levels: list[LevelReport], higher_is_better: bool = True) -> dict[str, str]:
    return {level.value: level.verdict for level in compare(levels, higher_is_better)}


def test_compare_clear_and_chance_differences_get_their_verdicts():
    base = level_report("base", [0.90, 0.91, 0.90, 0.91, 0.90], is_base=True)
    better = level_report("better", [0.95, 0.96, 0.95, 0.96, 0.95])
    worse = level_report("worse", [0.80, 0.81, 0.80, 0.81, 0.80])
    same = level_report("same", [0.91, 0.90, 0.91, 0.90, 0.91])
    expected = {"base": "base", "better": "better", "worse": "worse", "same": "indistinguishable"}
    assert verdicts([base, better, worse, same]) == expected
    swapped = expected | {"better": "worse", "worse": "better"}
    assert verdicts([base, better, worse, same], higher_is_better=False) == swapped


def test_compare_many_values_needs_a_larger_difference():
    base = level_report("base", [0.900, 0.904, 0.908, 0.902, 0.906], is_base=True)
    doubtful = level_report("doubtful", [0.905, 0.909, 0.913, 0.907, 0.912])
    assert verdicts([base, doubtful])["doubtful"] == "better"  # alone
    others = [level_report(f"other {n}", [0.900, 0.905, 0.908, 0.902, 0.906]) for n in range(8)]
    assert verdicts([base, doubtful, *others])["doubtful"] == "indistinguishable"


def test_compare_one_seed_says_nothing():
    base = level_report("base", [0.9], is_base=True)
    assert verdicts([base, level_report("other", [0.99])])["other"] == "unknown"


def test_compare_equal_scores_without_scatter_are_not_different():
    base = level_report("base", [0.5, 0.5, 0.5], is_base=True)
    assert verdicts([base, level_report("same", [0.5] * 3), level_report("other", [0.6] * 3)]) == {
        "base": "base",
        "same": "indistinguishable",
        "other": "better",
    }


def test_compare_only_the_best_of_a_group_is_compared():
    base = level_report("adam, 0.001", [0.90, 0.91, 0.92], is_base=True, group="adam")
    rates = [
        level_report("sgd, 0.03", [0.91, 0.92, 0.93], group="sgd"),
        level_report("sgd, 0.3", [0.1, 0.1, 0.2], group="sgd"),
    ]
    assert verdicts([base, *rates])["sgd, 0.3"] == "not compared"


def test_summary_scores_are_of_the_last_epoch_in_the_order_of_the_seeds():
    levels = [Level("loss", "hinge", training={"loss": "hinge"})]
    trials = [run("loss: hinge", 1, [0.9, 0.7]), run("loss: hinge", 0, [0.9, 0.8]), run(BASE, 0, [0.5, 0.6])]
    loss, _ = summarize(levels, trials, ACCURACY)
    (level,) = loss.levels
    assert level.scores == [0.8, 0.7] and level.mean == pytest.approx(0.75)
    assert level.curves["val_accuracy"] == pytest.approx([0.9, 0.75])
    assert level.low < 0.75 < level.high and level.epochs == 2 and level.seconds == 4


def test_summary_failed_run_is_named_and_left_out_of_the_mean():
    levels = [Level("loss", "hinge", training={"loss": "hinge"})]
    loss, _ = summarize(levels, [run("loss: hinge", 0, [None]), run("loss: hinge", 1, [0.4, 0.5])], ACCURACY)
    (level,) = loss.levels
    assert level.scores == [None, 0.5] and level.mean == 0.5 and level.reason == "the loss is no longer finite"


def test_summary_early_stopping_keeps_the_best_epoch_before_it_stops():
    runs = [run(BASE, seed, [0.6, 0.7, 0.8, 0.75, 0.9], losses=[3, 2, 1, 1.5, 0.5]) for seed in (0, 1)]
    (stopping,) = summarize([], runs, ACCURACY)
    found = {level.value: (level.mean, level.epochs, level.seconds) for level in stopping.levels}
    assert found["none"] == (0.9, 5, 10)
    assert found["patience 1"] == (0.8, 4, 8)  # epoch 4 was not better than epoch 3
    assert found["patience 3"] == (0.9, 5, 10)  # it would have gone on for longer
