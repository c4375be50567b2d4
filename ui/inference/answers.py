"""The network's answers as HTML: what it recognizes, how confident it is, and what it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ui.i18n import Language, number, percent, translate
from ui.markup import html_text

if TYPE_CHECKING:
    from model.cnn import CnnModel

MAX_CONFIDENCES = 5  # listed for a single character; the rest share one bar, as do those that would show as 0.0 %
MIN_CONFIDENCE = 0.0005  # that is listed by itself
MAX_CONFIDENCES_EACH = 2  # if there are several characters


@dataclass(frozen=True)
class Answer:
    """What the network predicts for one input."""

    confidences: dict[str, float]  # label -> 0 … 1, in the order of the labels; empty for regression
    number: float | None  # the prediction of a regression
    rejected: bool  # the input is unlike everything the network has learned
    target: str = ""  # what the number measures

    @property
    def label(self) -> str:
        """The most likely label, or the number."""
        return (
            format(self.number, number_form(self.number))
            if self.number is not None
            else max(self.confidences, key=self.confidences.__getitem__)
        )


def number_form(value: float) -> str:
    """Return the format of a number: four digits, and whole numbers, such as years and prices, without an exponent."""
    size = abs(value)
    return ".0f" if 1e3 <= size < 1e4 else ",.0f" if 1e4 <= size < 1e12 else ".4g"


def to_answer(model: CnnModel, outputs: np.ndarray, rejected: bool = False) -> Answer:
    """Return the meaning of one row of the network's outputs: float32 (labels,), or (1,) for regression."""
    if model.config.task == "regression":
        return Answer({}, float(outputs[0]), rejected, model.config.labels[0])
    return Answer(dict(zip(model.config.labels, outputs.tolist(), strict=True)), None, rejected)


def answers_html(answers: list[Answer], language: Language) -> str:
    """Return the recognized characters, from left to right, and the confidences of each one."""
    text = " ".join("?" if answer.rejected else html_text(_format_answer(answer, language)) for answer in answers)
    parts = [f'<p class="answer-text">{text}</p>']
    if len(answers) == 1 and answers[0].rejected:
        message = translate("not_known", language, label=_format_value(answers[0], language))
        parts.append(f'<p class="unknown">{html_text(message)}</p>')
    elif any(answer.rejected for answer in answers):
        parts.append(f'<p class="unknown">{html_text(translate("some_not_known", language))}</p>')
    max_confidences = MAX_CONFIDENCES if len(answers) == 1 else MAX_CONFIDENCES_EACH
    parts += [_confidences_html(answer, max_confidences, language) for answer in answers if answer.confidences]
    return "".join(parts)


def _format_answer(answer: Answer, language: Language) -> str:
    value = _format_value(answer, language)
    return f"{answer.target}: {value}" if answer.target else value


def _format_value(answer: Answer, language: Language) -> str:
    return answer.label if answer.number is None else number(answer.number, number_form(answer.number), language)


def _confidences_html(answer: Answer, max_confidences: int, language: Language) -> str:
    most_likely = sorted(answer.confidences.items(), key=lambda item: -item[1])
    listed = [one for one in most_likely[:max_confidences] if one[1] >= MIN_CONFIDENCE] or most_likely[:1]
    rest = most_likely[len(listed) :]
    if len(rest) == 1:
        listed, rest = most_likely, []
    rows = [_bar_html(label, share, language) for label, share in listed]
    if rest:
        label = translate("other_labels", language, count=len(rest))
        rows.append(_bar_html(label, sum(share for _, share in rest), language))
    return f'<ul class="bars{" faint" if answer.rejected else ""}">{"".join(rows)}</ul>'


def _bar_html(label: str, share: float, language: Language) -> str:
    return (
        f'<li><span>{html_text(label)}</span><i style="--share: {share:.4f}"></i><b>{percent(share, language)}</b></li>'
    )
