"""A sheet of what a model still gets wrong: digits that it takes for others, and drawings that it does not reject.

    python -m benchmarks.mistakes --mnist FOLDER --drawings FOLDER [--model FOLDER] --output docs/mistakes.png

All digits of MNIST's test split, and of the rows of each dataset of drawings that no training sees, that are answered
wrongly; and of each kind of signs in `benchmarks.ood` the first ones that are answered at all. Each is shown as the
network sees it, with its label, the answer and the confidence. A wrong answer that the detector rejects is framed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.ood import SIGN_ROWS, images, scribbles
from benchmarks.signs import SIGNS, draw_signs, draw_words
from model.quiet import quiet

if TYPE_CHECKING:
    from model import CnnModel

SCALE = 2
CELL_WIDTH, CELL_HEIGHT = 78, 78
COLUMNS = 12
HEADING_PX = 28
MAX_SIGNS = COLUMNS  # that are shown of each kind
FRAME = (200, 60, 0)

Cell = tuple[np.ndarray, str, bool]  # pixels (28, 28), caption, whether it is framed


def wrong_digits(model: CnnModel, pixels: np.ndarray, labels: np.ndarray) -> list[Cell]:
    """Return the digits that are taken for others.

    Args:
        model: of ten digits.
        pixels: uint8 (n, 28, 28, 1).
        labels: int (n,).
    """
    outputs, ood = model.predict_and_reject(pixels)
    assert ood is not None
    answers = outputs.argmax(axis=1)
    return [
        (pixels[row, :, :, 0], f"{labels[row]} as {answers[row]}, {outputs[row].max():.0%}", bool(ood.rejected[row]))
        for row in np.flatnonzero(answers != labels)
    ]


def accepted_signs(model: CnnModel, drawings: Iterator[np.ndarray]) -> tuple[list[Cell], int]:
    """Return the first of the drawings that are answered, and how many are."""
    from model.preprocess.sketch import sketch_to_input

    prepared = np.stack([sketch_to_input(one, model.config.image_shape) for one in drawings])
    outputs, ood = model.predict_and_reject(prepared)
    assert ood is not None
    accepted = np.flatnonzero(~ood.rejected)
    cells = [
        (prepared[row, :, :, 0], f"as {outputs[row].argmax()}, {outputs[row].max():.0%}", False)
        for row in accepted[:MAX_SIGNS]
    ]
    return cells, len(accepted)


def draw_sheet(sections: list[tuple[str, list[Cell]]]) -> Image.Image:
    """Return the sheet: a heading and rows of cells for each section."""
    heights = [HEADING_PX + CELL_HEIGHT * -(-len(cells) // COLUMNS) for _, cells in sections]
    sheet = Image.new("RGB", (COLUMNS * CELL_WIDTH, sum(heights)), "white")
    pen, font, y = ImageDraw.Draw(sheet), ImageFont.load_default(12), 0
    for (title, cells), height in zip(sections, heights, strict=True):
        pen.text((4, y + 8), title, "black", ImageFont.load_default(15))
        for number, (pixels, caption, is_framed) in enumerate(cells):
            left = CELL_WIDTH * (number % COLUMNS) + 4
            top = y + HEADING_PX + CELL_HEIGHT * (number // COLUMNS)
            shown = Image.fromarray(255 - pixels).resize((pixels.shape[1] * SCALE, pixels.shape[0] * SCALE))
            sheet.paste(shown, (left, top))
            frame = (left - 1, top - 1, left + shown.width, top + shown.height)
            pen.rectangle(frame, outline=FRAME if is_framed else (220, 220, 220), width=2 if is_framed else 1)
            pen.text((left, top + shown.height + 3), caption, "black", font)
        y += height
    return sheet


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id of a model (default: the bundled one)")
    parser.add_argument("--mnist", required=True, help="MNIST")
    parser.add_argument("--drawings", type=Path, required=True, help="folder of datasets of drawings")
    parser.add_argument("--output", type=Path, required=True, help="the image file, a PNG")
    options = parser.parse_args()
    with quiet():
        from model import CnnModel

    model, sections = CnnModel.from_pretrained(options.model), []
    folders = [folder for folder in sorted(options.drawings.iterdir()) if folder.is_dir()]
    for name, dataset, sketches in [("MNIST", options.mnist, False), *((one.name, str(one), True) for one in folders)]:
        pixels, labels = images(dataset, model.config.image_shape, sketches)
        cells = wrong_digits(model, pixels, labels)
        sections.append((f"{name}: {len(cells)} of {len(labels):,} digits are taken for others", cells))
    kinds = {kind: draw_signs(kind, SIGN_ROWS) for kind in SIGNS}
    for kind, drawings in {**kinds, "words": draw_words(SIGN_ROWS), "scribbles": scribbles(SIGN_ROWS)}.items():
        cells, count = accepted_signs(model, drawings)
        shown = f", of which {len(cells)} are shown" if count > len(cells) else ""
        sections.append((f"{kind}: {count} of {SIGN_ROWS:,} are answered, not rejected{shown}", cells))
    draw_sheet(sections).save(options.output, optimize=True)


if __name__ == "__main__":
    main()
