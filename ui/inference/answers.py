"""The network's answers as HTML: what it reads, how sure it is, and what it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ui.i18n import Language, number, percent, translate

if TYPE_CHECKING:
    from model.cnn import CnnModel

SHOWN = 5  # confidences of one answer that are listed


@dataclass(frozen=True)
class Answer:
    """What the network says of one input."""

    confidences: dict[str, float]  # label -> 0 … 1, in the order of the labels; empty for regression
    number: float | None  # of a regression
    rejected: bool  # the input is unlike all that was learned
    target: str = ""  # what the number is of

    @property
    def label(self) -> str:
        """The likeliest label, or the number."""
        return (
            f"{self.number:.4g}" if self.number is not None else max(self.confidences, key=self.confidences.__getitem__)
        )


def as_answer(model: CnnModel, outputs: np.ndarray, rejected: bool = False) -> Answer:
    """Return what a row of the network's outputs means: float32 (labels,), for regression (1,)."""
    if model.config.task == "regression":
        return Answer({}, float(outputs[0]), rejected, model.config.labels[0])
    return Answer(dict(zip(model.config.labels, outputs.tolist(), strict=True)), None, rejected)


def answers_html(found: list[Answer], language: Language) -> str:
    """Return what was read, from left to right, and the confidences of every sign."""
    said = " ".join("?" if one.rejected else escape(_said(one, language)) for one in found)
    parts = [f'<p class="said" role="status">{said}</p>']
    if len(found) == 1 and found[0].rejected:
        parts.append(
            f'<p class="unknown">{escape(translate("not_known", language, label=_written(found[0], language)))}</p>'
        )
    elif any(one.rejected for one in found):
        parts.append(f'<p class="unknown">{escape(translate("some_not_known", language))}</p>')
    shown = SHOWN if len(found) == 1 else 2
    parts += [_bars(one, shown, language) for one in found if one.confidences]
    return "".join(parts)


def _said(one: Answer, language: Language) -> str:
    return f"{one.target}: {_written(one, language)}" if one.target else _written(one, language)


def _written(one: Answer, language: Language) -> str:
    return one.label if one.number is None else number(one.number, ".4g", language)


def _bars(one: Answer, shown: int, language: Language) -> str:
    likeliest = sorted(one.confidences.items(), key=lambda item: -item[1])[:shown]
    rows = "".join(
        f'<li><span>{escape(label)}</span><i style="--share: {share:.4f}"></i><b>{percent(share, language)}</b></li>'
        for label, share in likeliest
    )
    return f'<ul class="bars{" faint" if one.rejected else ""}">{rows}</ul>'
