"""The network's answers as text and HTML: what it recognizes, how confident it is, and what it does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from model.preprocess.marks import COLON, COMMA, MINUS, POINT
from ui.i18n import Language, number, percent, translate
from ui.markup import html_text

if TYPE_CHECKING:
    from model.cnn import CnnModel

MAX_CONFIDENCES = 5  # listed for a single character; the rest share one bar, as do those that would show as 0.0 %
MIN_CONFIDENCE = 0.0005  # that is listed by itself
MAX_CONFIDENCES_EACH = 2  # if there are several characters
UNKNOWN = "?"
MARK_NAMES = {COMMA: "mark_comma", POINT: "mark_point", COLON: "mark_colon", MINUS: "mark_minus"}  # as they are spoken


@dataclass(frozen=True)
class Answer:
    """What the network predicts for one input; or a mark, which it is not asked about."""

    confidences: dict[str, float]  # label -> 0 … 1, in the order of the labels; empty for regression
    number: float | None  # the prediction of a regression
    rejected: bool  # the input is unlike everything the network has learned
    target: str = ""  # what the number measures
    mark: str = ""  # see `model.preprocess.marks`
    line: int = 0  # of the sheet, from the top

    @property
    def label(self) -> str:
        """The most likely label, the number or the mark."""
        if self.number is not None:
            return format(self.number, number_form(self.number))
        return self.mark or max(self.confidences, key=self.confidences.__getitem__)


def number_form(value: float) -> str:
    """Return the format of a number: four digits, and whole numbers, such as years and prices, without an exponent."""
    size = abs(value)
    return ".0f" if 1e3 <= size < 1e4 else ",.0f" if 1e4 <= size < 1e12 else ".4g"


def to_answer(model: CnnModel, outputs: np.ndarray, rejected: bool = False) -> Answer:
    """Return the meaning of one row of the network's outputs: float32 (labels,), or (1,) for regression."""
    if model.config.task == "regression":
        return Answer({}, float(outputs[0]), rejected, model.config.labels[0])
    return Answer(dict(zip(model.config.labels, outputs.tolist(), strict=True)), None, rejected)


def answers_text(answers: list[Answer], language: Language) -> str:
    """Return the recognized signs, such as "3 , 5", a line of text for each line of the sheet."""
    return _in_lines(answers, lambda answer: _format_answer(answer, language))


def answers_html(answers: list[Answer], language: Language) -> str:
    """Return the recognized signs, line by line from left to right, and the confidences of each one."""
    text = _in_lines(answers, lambda answer: _answer_html(answer, language))
    parts = [f'<p class="answer-text">{text}</p>']
    if len(answers) == 1 and answers[0].rejected:
        message = translate("not_known", language, label=_format_value(answers[0], language))
        parts.append(f'<p class="unknown">{html_text(message)}</p>')
    elif any(answer.rejected for answer in answers):
        parts.append(f'<p class="unknown">{html_text(translate("some_not_known", language))}</p>')
    max_confidences = MAX_CONFIDENCES if len(answers) == 1 else MAX_CONFIDENCES_EACH
    parts += [_confidences_html(answer, max_confidences, language) for answer in answers if answer.confidences]
    return "".join(parts)


def no_handwriting_html(language: Language) -> str:
    """Return the only answer about an image that shows no handwriting."""
    answer, hint = (html_text(translate(key, language)) for key in ("no_handwriting", "no_handwriting_hint"))
    return f'<p class="answer-text none">{answer}</p><p class="unknown">{hint}</p>'


def _in_lines(answers: list[Answer], write: Callable[[Answer], str]) -> str:
    return "\n".join(" ".join(map(write, line)) for _, line in groupby(answers, lambda answer: answer.line))


def _answer_html(answer: Answer, language: Language) -> str:
    text = html_text(_format_answer(answer, language))
    if answer.mark not in MARK_NAMES:
        return text
    return f'<span role="img" aria-label="{html_text(translate(MARK_NAMES[answer.mark], language))}">{text}</span>'


def _format_answer(answer: Answer, language: Language) -> str:
    if answer.rejected:
        return UNKNOWN
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
