"""Write the bundled model's card, model/pretrained/README.md, from its reports.

Run it after a change in `model/card/`; a test compares the card with what this writes.
"""

from model.artifacts import CARD_FILE, CONFIG_FILE, EVALUATION_FILE, TRAINING_FILE, TRIALS_FILE
from model.card.card import render_card
from model.config import CnnConfig
from model.io.atomic import atomic_write
from model.io.locate import PRETRAINED
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport

CARD = PRETRAINED / CARD_FILE


def card_text() -> str:
    """Return the card."""
    training, trials = TrainingReport.read(PRETRAINED / TRAINING_FILE), TrialsReport.read(PRETRAINED / TRIALS_FILE)
    evaluation = EvaluationReport.read(PRETRAINED / EVALUATION_FILE)
    return str(render_card(CnnConfig.from_file(PRETRAINED / CONFIG_FILE), training, trials, evaluation))


if __name__ == "__main__":
    atomic_write(CARD, card_text())
