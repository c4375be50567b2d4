"""How well a model separates digits from everything else, and how honest its confidence is.

    python -m benchmarks.ood --mnist FOLDER --others FOLDER [--drawings FOLDER] [--model FOLDER …] [--write]

AUROC and AUPR (average precision; digits are the positives) against each gray dataset without digits in `--others`,
computed by scikit-learn. Shown as images to `reject`, they are compared with MNIST's test split; shown as drawings to
`reject_sketch`, with the digits in `--drawings`, if there are any. The confidence of the prediction, the usual score,
is shown next to it. "Rejected" is the share beyond the threshold in the model's config, which was fitted on validation
rows. That the score uses all blocks and not only the last one was chosen with an earlier model on these same datasets.

Letters, shapes, icons and words (`benchmarks/signs.py`), pages of two or three test digits next to each other, and
scribbles are drawn from a fixed seed. Signs that are drawn like a digit, such as O, l, S and Z, are not among them.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.common import about, named, report
from benchmarks.drawings import test_rows
from benchmarks.signs import SIGNS, draw_signs, draw_words
from model.quiet import quiet

TEST_SHARE = 0.3  # of a dataset without a test split, held out as for the bundled model
SIGN_ROWS = 1000  # drawings of each kind of signs
OTHERS = {"fashion_mnist": "clothes", "quickdraw": "doodles", "notmnist": "letters"}


def images(dataset: str, shape: tuple[int, int, int], sketches: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels, uint8 (n, h, w, c), and labels of the rows that no training sees."""
    with quiet():
        from training.data.decode import decoded_batches

    stream, _ = test_rows(dataset, sketches, TEST_SHARE)
    batches = list(decoded_batches(stream, stream.ordered(), shape))
    return np.concatenate([images for images, _, _ in batches]), np.concatenate([labels for _, labels, _ in batches])


def scribbles(count: int) -> Iterator[np.ndarray]:
    """Yield drawings of a wandering pen, uint8 (280, 280), dark on light."""
    r = np.random.default_rng(0)
    for _ in range(count):
        steps = r.normal(0, 1, (r.integers(60, 200), 2)).cumsum(axis=0).cumsum(axis=0)
        steps = 30 + 220 * (steps - steps.min(0)) / np.maximum(np.ptp(steps, axis=0), 1)
        turns = 35 * np.sin(np.outer(np.arange(len(steps)), r.uniform(0.3, 1.2, 2)) + r.uniform(0, 6, 2))
        page = np.full((280, 280), 255, np.uint8)
        cv2.polylines(page, [np.clip(steps + turns, 8, 272).astype(np.int32)], False, 0, int(r.integers(4, 18)))
        yield page


def several(digits: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Yield pages of two or three digits next to each other, uint8 (28, 56 or 84), light on dark."""
    r = np.random.default_rng(0)
    for _ in range(count):
        yield np.concatenate(list(digits[r.integers(0, len(digits), r.integers(2, 4)), :, :, 0]), axis=1)


@dataclass(frozen=True)
class Digits:
    """What a model makes of digits, which it should accept."""

    scores: np.ndarray  # float32 (n,), as `reject` gives them
    confidence: np.ndarray  # float32 (n,): of the predictions

    @classmethod
    def of(cls, model: Any, images: np.ndarray) -> "Digits":
        """Return this of a CnnModel and images, uint8 (n, h, w, c)."""
        return cls(model.reject(images).score, model.predict(images).max(axis=1))


@dataclass(frozen=True)
class Against:
    """One model against inputs without digits."""

    name: str
    model: Any  # CnnModel
    digits: "Digits"  # MNIST's test split
    drawn: "Digits"  # drawings of digits; MNIST's test split if there are none

    def row(self, what: str, shown: np.ndarray | list[np.ndarray], sketches: bool) -> str:
        """Return a table row for inputs that are shown as images or as free drawings."""
        judged = (self.model.reject_sketch if sketches else self.model.reject)(shown)
        drawn = np.isfinite(judged.score)  # a blank drawing has an infinite score and no prediction
        inked = [one for one, has_ink in zip(shown, drawn, strict=True) if has_ink] if sketches else shown
        answered = np.zeros(len(shown))
        answered[drawn] = (self.model.predict_sketch if sketches else self.model.predict)(inked).max(axis=1)
        digits = self.drawn if sketches else self.digits
        positive = np.r_[np.ones(len(digits.scores)), np.zeros(len(shown))]
        score = np.nan_to_num(-np.r_[digits.scores, judged.score])
        confidence = np.r_[digits.confidence, answered]
        values = [roc_auc_score(positive, score), average_precision_score(positive, score)]
        values += [roc_auc_score(positive, confidence), judged.rejected.mean()]
        return f"| {self.name} | {what} | {len(shown):,} | {' | '.join(f'{100 * value:.2f}' for value in values)} |"


def main() -> None:
    """Measure each model and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="folder or Hub id of a model (default: the bundled one)")
    parser.add_argument("--mnist", type=Path, required=True, help="MNIST: its test split should be accepted")
    parser.add_argument("--others", type=Path, required=True, help="folder of datasets without digits")
    parser.add_argument(
        "--drawings", type=Path, help="folder of datasets of free drawings, which should be accepted, too"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with quiet():
        from model import CnnModel
        from training.evaluation.metrics import calibration

    lines = ["| model | against | rows | AUROC | AUPR | AUROC of confidence | rejected |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|")
    accepted = ["| model | digits | rows | rejected | calibration error (ECE) |", "|---|---|---:|---:|---:|"]
    for folder in options.model or ["model/pretrained"]:
        cnn, name = CnnModel.from_pretrained(folder), Path(folder).name
        shape = cnn.config.image_shape
        sets = {"MNIST test": images(str(options.mnist), shape)}
        for one in sorted(options.drawings.iterdir()) if options.drawings else []:
            if one.is_dir():
                sets[f"`{one.name}`"] = images(str(one), shape, sketches=True)

        digits = sets["MNIST test"][0]
        drawn = [shown for what, (shown, _) in sets.items() if what != "MNIST test"] or [digits]
        against = Against(name, cnn, Digits.of(cnn, digits), Digits.of(cnn, np.concatenate(drawn)))
        for other, what in OTHERS.items():
            shown, _ = images(str(options.others / other), shape)
            lines.append(against.row(f"{what} (`{other}`)", shown, sketches=False))
            lines.append(against.row(f"{what} (`{other}`), as drawings", list(shown), sketches=True))
        for kind in SIGNS:
            lines.append(against.row(kind, list(draw_signs(kind, SIGN_ROWS)), sketches=True))
        lines.append(against.row("words", list(draw_words(SIGN_ROWS)), sketches=True))
        lines.append(against.row("scribbles", list(scribbles(1000)), sketches=True))
        lines.append(against.row("two or three digits", list(several(digits, 1000)), sketches=True))

        for what, (shown, labels) in sets.items():
            answers = cnn.predict(shown)
            error = calibration(answers.max(axis=1), answers.argmax(axis=1) == labels).ece
            share = cnn.reject(shown).rejected.mean()
            accepted.append(f"| {name} | {what} | {len(shown):,} | {100 * share:.2f} | {100 * error:.2f} |")

    given = {"mnist": options.mnist, "others": options.others, "drawings": options.drawings}
    line = about("benchmarks.ood", None, *named(given, options.model))
    text = "\n".join([*lines, "", *accepted, "", "In percent. " + line])
    report("Out-of-distribution detection and calibration", text, options.write)


if __name__ == "__main__":
    main()
