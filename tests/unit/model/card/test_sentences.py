"""Sentences of a model card."""

from model.card import sentences
from model.card.sentences import recipe_sentence
from model.config import CnnConfig
from model.io.reports.data import DatasetEntry
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport
from tests.support.run_reports import TRAINING
from tests.support.trials import trial_row, trials_report


def measures(rows: int = 200, **more) -> dict:
    classes = {"labels": ["a", "b"], "confusion_matrix": [[1, 0], [0, 1]]}
    return {"dataset": "x/y", "split": "test", "rows": rows, "accuracy": 0.95, **classes, **more}


BASELINE = {"answer": "a", "taken_from": "training rows", "accuracy": 0.95, "is_beaten": False}


def test_evaluation_rows_every_accuracy_has_an_interval():
    rows = dict(sentences.evaluation_rows(EvaluationReport.build(**measures(macro_f1=0.4), baseline=BASELINE)))
    assert rows["accuracy"] == "95.00 % (91.04 to 97.26)" and rows["macro F1"] == "0.4000"
    assert rows["accuracy of always answering `a`"] == rows["accuracy"] and "balanced accuracy" not in rows
    many = dict(sentences.evaluation_rows(EvaluationReport.build(**measures(10_000))))["accuracy"]
    assert many == "95.00 % (94.56 to 95.41)"
    seeds = [{"seed": seed, "accuracy": 0.95, "ece": 0.1} for seed in (0, 1)]
    report = EvaluationReport.build(**measures(), seeds=seeds)
    assert {row[1] for row in sentences.seed_rows(report)} == {rows["accuracy"]}
    assert "Wilson" in sentences.interval_sentence(report)


def test_remarks_sentence_result_not_better_than_the_trivial_answer_is_said():
    report = EvaluationReport.build(**measures(), baseline=BASELINE)
    assert "not better than that of always answering `a`" in sentences.remarks_sentence(report)
    beaten = EvaluationReport.build(**measures(), baseline=BASELINE | {"is_beaten": True})
    assert sentences.remarks_sentence(beaten) == ""


def test_limits_sentence_never_calls_a_class_worst_that_was_always_found():
    known = {"label": "a", "rows": 9, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    report = EvaluationReport.build(**measures(), per_class=[known, {"label": "b", "rows": 0}])
    assert "worst" not in sentences.limits_sentence(CnnConfig(), report)
    assert "every label" not in sentences.limits_sentence(CnnConfig(), report)
    missed = EvaluationReport.build(**measures(), per_class=[known | {"recall": 0.5}, {"label": "b", "rows": 0}])
    assert "worst is `a`: it finds 50.00 %" in sentences.limits_sentence(CnnConfig(), missed)
    assert "`b` was measured: how well" in sentences.remarks_sentence(report)
    assert sentences.class_rows(report)[1] == ("b", "0", "–", "–", "–")


def test_limits_sentence_says_if_undecided_answers_are_rejected():
    assert "undecided" not in sentences.limits_sentence(CnnConfig(ood_threshold=2.0), None)
    config = CnnConfig(ood_threshold=2.0, min_confidence=0.6)
    assert "undecided" in sentences.limits_sentence(config, None)


def test_sources_sentence_counts_the_drawings_that_are_not_digits():
    for count, expected in (
        (20_000, "`, 20,000 drawings by Trazo that are not digits, and no others"),
        (0, "` and no others"),
    ):
        hyperparameters = TRAINING["hyperparameters"] | {"outliers": count}
        training = TrainingReport.build(**TRAINING | {"hyperparameters": hyperparameters})
        assert expected in sentences.sources_sentence(training, None)


def test_extra_rows_have_as_many_cells_as_their_header():
    others = [measures(), measures(baseline=BASELINE)]
    report = EvaluationReport.build(**measures(), extra_datasets=others)
    header, rows = sentences.extra_header(report), sentences.extra_rows(report)
    assert header[-1] == "accuracy of the trivial answer" and [row[-1] for row in rows] == [
        "–",
        "95.00 % (91.04 to 97.26)",
    ]
    assert {len(row) for row in rows} == {len(header)}


def test_source_phrase_names_no_config_of_a_folder_in_reports_of_older_versions():
    folder = DatasetEntry(dataset="images", config="default")
    assert sentences._source_phrase(folder) == "`images`"
    assert "config `big`" in sentences._source_phrase(folder.model_copy(update={"config": "big"}))
    assert "config `default`" in sentences._source_phrase(folder.model_copy(update={"revision": "0" * 40}))


def test_card_numbers_have_four_digits():
    config = CnnConfig(l1=8.57160700116341e-06, dropout=0.123456)
    assert dict(sentences.network_rows(config, None))["dropout, regularization"] == (
        "0.1235 after each block, 0 after each hidden dense layer; l1 (l1 8.572e-06, l2 0)"
    )
    settings = {"learning_rate": 0.00123456, "epochs": 12345, "batch_size": 128, "schedule": "one-cycle"}
    training = TrainingReport.build(**TRAINING | {"hyperparameters": settings})
    assert [value for _, value in sentences.hyperparameter_rows(training)] == ["0.001235", "12345", "128", "one-cycle"]


def data_sentence(entries: list[dict], options: dict | None = None) -> str:
    data = TRAINING["data"] | {"datasets": [{"dataset": "x/y"} | entry for entry in entries]}
    report = TRAINING | {"data": data, "options": None if options is None else {"data": options}}
    return sentences.data_sentence(TrainingReport.build(**report))


def test_data_sentence_says_of_the_validation_rows_only_what_the_report_knows():
    held_out, own = {"validation_split": "train"}, {"validation_split": "validation"}
    assert "held out for validation by their content." in data_sentence([held_out], {})
    assert "held out for validation by their row ids." in data_sentence([held_out], {"no_scan": True})
    assert "by their `writer` where a dataset has it, otherwise by their content." in data_sentence(
        [held_out], {"group_column": "writer"}
    )
    assert "10\nof the split `validation` for validation." in data_sentence([own], {})
    assert "by their content, or of the split `validation` where" in data_sentence([own, held_out], {})
    for unknown in (data_sentence([{}], {}), data_sentence([held_out])):
        assert "10\nfor validation." in unknown


def test_sources_sentence_claims_the_same_sources_only_of_figures_that_come_from_them():
    dataset = TRAINING["data"]["dataset"]
    training, own = TrainingReport.build(**TRAINING), measures() | {"dataset": dataset}
    assert "the same sources" in sentences.sources_sentence(training, EvaluationReport.build(**own))
    other = EvaluationReport.build(**own | {"dataset": "other"})
    extra = EvaluationReport.build(**own, extra_datasets=[own | {"dataset": "other"}])
    for report in (None, other, extra):
        assert "the same sources" not in sentences.sources_sentence(training, report)


def test_recipe_sentence_of_a_search_names_what_the_presets_reached():
    rows = [trial_row(0, 0.9) | {"origin": "preset default"}, trial_row(1, 0.95)]
    report = TrialsReport.parse(trials_report(rows) | {"strategy": "bayesian", "best_trial": "1"}, "trials.json")
    text = recipe_sentence(None, report)
    assert text.startswith("The hyperparameters come from a bayesian search of 2 completed trials")
    assert text.endswith("The best one had `val_accuracy` 0.9500; the presets at the same length: default 0.9000.")
