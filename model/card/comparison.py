"""What the model card says about whether measured images were learned from: only what was compared."""

from typing import TYPE_CHECKING

from model.card.markdown import plain
from model.words import counted

if TYPE_CHECKING:
    from model.io.reports.comparison import Comparison
    from model.io.reports.evaluation import EvaluationReport


def comparison_sentence(comparison: "Comparison | None") -> str:
    """Return what is known of the measured rows, and which rows were left out."""
    if comparison is None:
        return "Whether these rows took part in training was not checked."
    sentences = []
    if comparison.compared:
        images = (comparison.training_images or 0) + (comparison.validation_images or 0)
        sentences.append(
            "Their images took no part in training, nor in choosing its hyperparameters, its epoch, its temperature or "
            f"its threshold:\nthey were compared by content with the {images:,} that did."
        )
    else:
        reason = plain(comparison.reason or "")
        sentences.append(f"They were not compared with the rows that were learned from ({reason}).")
    if left_out := _left_out(comparison):
        sentences.append(f"Not measured: {left_out}.")
    return "\n".join(sentences)


def extra_sentence(evaluation: "EvaluationReport") -> str:
    """Return the introduction of the other datasets; empty without any."""
    others = evaluation.extra_datasets
    if not others:
        return ""
    compared = all(one.comparison is not None and one.comparison.compared for one in others)
    return f"On other datasets{', on images that took no part in training (compared by content)' if compared else ''}:"


def _left_out(comparison: "Comparison") -> str:
    parts = [
        (comparison.left_out_training, "whose image was trained on"),
        (comparison.left_out_validation, "whose image was validated on"),
        (comparison.duplicates or 0, "that repeat another one"),
        (sum(comparison.unknown_classes.values()), "of classes that the model does not know"),
    ]
    return ", ".join(f"{counted(rows, 'row')} {what}" for rows, what in parts if rows)
