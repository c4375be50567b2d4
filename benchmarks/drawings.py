"""Accuracy of models on free drawings by writers that they were not trained on, class by class.

    python -m benchmarks.drawings --drawings FOLDER [--model FOLDER …] [--mnist FOLDER] [--test-fraction 0.3] [--write]

`--drawings` holds one folder per dataset of digits, each in a Hub repo's layout. The test split is used if there is
one; otherwise the writers (column `writer`), or the rows, that `python -m training train --sketches SET
--group-column writer --test-fraction 0.3` leaves out. Drawings are prepared as in `CnnModel.predict_sketch`;
`--mnist` adds MNIST's own test images, unchanged and as a scanner of 16×16 pixels in black and white might have
made of them, in their shape or stretched to a square. "Photographed" are the first thousand rows of a dataset as a
camera might show them on paper (`benchmarks/photographs.py`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.common import about, named, report
from benchmarks.photographs import photograph
from model.config import DIGITS
from model.quiet import quiet

if TYPE_CHECKING:
    from model import CnnModel
    from training.stream import HubStream

PHOTOGRAPHED = 1000  # rows of each dataset
SCAN_PX = 16  # a side of a scan
SCAN_INK = 100  # gray level of a pixel that is white in a scan


def test_rows(dataset: str, sketches: bool, share: float) -> tuple[HubStream, str]:
    """Return the stream of the rows that training never sees, and their name."""
    with quiet():
        from training.config import DataConfig
        from training.data.splits import open_test

    data = DataConfig(dataset, sketches=(dataset,) if sketches else (), group_column="writer", test_fraction=share)
    return open_test(data)


def recalls(model: CnnModel, dataset: str, sketches: bool, share: float) -> tuple[str, np.ndarray, np.ndarray]:
    """Return what was measured, the recall of each class, and its number of rows."""
    with quiet():
        from training.data.decode import decoded_batches

    stream, split = test_rows(dataset, sketches, share)
    right, rows = np.zeros(10), np.zeros(10)
    for images, labels, _ in decoded_batches(stream, stream.ordered(), model.config.image_shape):
        _count(right, rows, labels, model.predict(images).argmax(axis=1))
    return f"{Path(dataset).name}, {split}", right / np.maximum(rows, 1), rows


def photographed_recalls(model: CnnModel, dataset: str, share: float) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the same for photographed rows; a drawing taken for blank paper counts as wrong."""
    with quiet():
        from model.preprocess.foreground import BlankDrawingError

    right, rows = np.zeros(10), np.zeros(10)
    for ink, label in _inks(dataset, share):
        try:
            answer = model.predict_sketch([photograph(ink, np.random.default_rng(int(rows.sum())))]).argmax(axis=1)
        except BlankDrawingError:
            answer = np.array([-1])
        _count(right, rows, np.array([label]), answer)
    return f"{Path(dataset).name}, photographed", right / np.maximum(rows, 1), rows


def scanned_recalls(model: CnnModel, mnist: str, stretched: bool) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the same for coarse scans of MNIST's test images; a scan that is all ink counts as wrong."""
    with quiet():
        from training.data.decode import decoded_batches

    stream, split = test_rows(mnist, False, 0.5)
    right, rows = np.zeros(10), np.zeros(10)
    for images, labels, _ in decoded_batches(stream, stream.ordered(), model.config.image_shape):
        scans = [scan(image[..., 0], stretched) for image in images]
        answers = np.full(len(scans), -1)
        usable = [number for number, one in enumerate(scans) if one.min() < one.max()]
        answers[usable] = model.predict_sketch([scans[number] for number in usable]).argmax(axis=1)
        _count(right, rows, labels, answers)
    shape = "stretched to a square" if stretched else "in their shape"
    return f"{Path(mnist).name}, {split}, {SCAN_PX}×{SCAN_PX} {shape}", right / np.maximum(rows, 1), rows


def scan(digit: np.ndarray, stretched: bool) -> np.ndarray:
    """Return the ink of a digit, light on black, as so few pixels that are black or white: uint8 (SCAN_PX, SCAN_PX)."""
    x, y, width, height = cv2.boundingRect((digit > 60).astype(np.uint8))
    ink = digit[y : y + height, x : x + width].astype(np.float32)
    fine = cv2.resize(ink, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    longer = max(width, height)
    size = [SCAN_PX if stretched else max(1, round(side * SCAN_PX / longer)) for side in (width, height)]
    coarse = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    page = np.zeros((SCAN_PX, SCAN_PX), np.uint8)
    top, left = ((SCAN_PX - side) // 2 for side in coarse.shape)
    page[top : top + size[1], left : left + size[0]] = np.where(coarse > SCAN_INK, 255, 0)
    return page


def _inks(dataset: str, share: float) -> Iterator[tuple[np.ndarray, int]]:
    """Yield ink, float32 (h, w), and label of the first rows of a dataset."""
    from model.preprocess.decode import open_image, resize_to_input, to_array

    stream, _ = test_rows(dataset, True, share)
    given = 0
    for batch in stream.ordered():
        for encoded, label in zip(batch.images, batch.labels, strict=True):
            if given == PHOTOGRAPHED:
                return
            pixels = to_array(open_image(encoded))
            gray = resize_to_input(pixels, (*pixels.shape[:2], 1))[..., 0].astype(np.float32)
            paper = np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]]))
            yield np.abs(gray - paper) / max(np.abs(gray - paper).max(), 1), int(label)
            given += 1


def _count(right: np.ndarray, rows: np.ndarray, labels: np.ndarray, answers: np.ndarray) -> None:
    np.add.at(rows, labels, 1)
    np.add.at(right, labels, answers == labels)


def main() -> None:
    """Measure each model on each set and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="folder or Hub id of a model (default: the bundled one)")
    parser.add_argument("--drawings", type=Path, required=True, help="folder of datasets of drawings")
    parser.add_argument("--mnist", type=Path, help="MNIST, measured in the same run")
    parser.add_argument(
        "--test-fraction", type=float, default=0.3, help="of a dataset without a test split (default: 0.3)"
    )
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with quiet():
        from model import CnnModel

    sets = [str(folder) for folder in sorted(options.drawings.iterdir()) if folder.is_dir()]
    models = options.model or ["model/pretrained"]
    lines = [f"| model | set | rows | all | {' | '.join(DIGITS)} |", "|---|---|---:|---:|" + "---:|" * 10]
    for folder in models:
        model = CnnModel.from_pretrained(folder)
        if model.config.labels != DIGITS or model.config.image_shape[2] != 1:
            parser.error(f"{folder} does not answer the ten digits in gray")
        found = [recalls(model, str(options.mnist), False, options.test_fraction)] if options.mnist else []
        found += [scanned_recalls(model, str(options.mnist), one) for one in (False, True) if options.mnist]
        found += [recalls(model, dataset, True, options.test_fraction) for dataset in sets]
        found += [photographed_recalls(model, dataset, options.test_fraction) for dataset in sets]
        for name, shares, rows in found:
            total = 100 * (shares * rows).sum() / rows.sum()
            cells = " | ".join(f"{100 * share:.1f}" for share in shares)
            lines.append(f"| {Path(folder).name} | {name} | {int(rows.sum()):,} | {total:.2f} | {cells} |")
            print(lines[-1], flush=True)
    given = {"drawings": options.drawings, "mnist": options.mnist}
    line = about("benchmarks.drawings", None, *named(given, options.model), f"--test-fraction {options.test_fraction}")
    report("Drawings", "\n".join([*lines, "", "In percent. " + line]), options.write)


if __name__ == "__main__":
    main()
