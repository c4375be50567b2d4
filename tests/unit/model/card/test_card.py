"""The card's metadata, and the bundled model's card."""

from huggingface_hub import ModelCard

from model.card.card import render_card
from model.config import CnnConfig
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from scripts.make_card import CARD, card_text
from tests.support.run_reports import EVALUATION, TRAINING

REVISION = "0" * 40


def test_bundled_card_is_what_its_reports_give():
    assert CARD.read_text() == card_text(), "run `python -m scripts.make_card`"


def test_metadata_survives_the_hubs_own_reader():
    """`model-index` and the rest, read back as `huggingface_hub` reads a card."""
    compared = {"compared": True, "training_images": 90, "validation_images": 10}
    evaluation = EvaluationReport.build(
        **EVALUATION | {"revision": REVISION, "config": "latin", "comparison": compared}
    )
    data = TRAINING["data"] | {"revision": REVISION}
    start = {"name": "timm/net", "revision": REVISION, "weights_sha256": "0", "license": "apache-2.0"}
    training = TrainingReport.build(**TRAINING | {"data": data, "starting_point": start})
    card = render_card(CnnConfig(), training, None, evaluation, "owner/letters", "mit")
    read = ModelCard(str(card))
    assert read.data.to_dict() == card.data.to_dict()
    (result,) = read.data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_revision) == ("accuracy", 0.99515, REVISION)
    assert (read.data.base_model, read.data.base_model_relation) == ("timm/net", "finetune")
    assert read.data.datasets == ["someone/letters"] and f"revision `{REVISION}`" in read.text
    assert "`someone/letters`" in read.text and "license apache-2.0" in read.text
