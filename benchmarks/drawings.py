"""How models answer free drawings of hands that they were never trained on, class by class.

    python -m benchmarks.drawings --drawings FOLDER [--model FOLDER …] [--mnist FOLDER] [--test-share 0.3] [--write]

`--drawings` holds one folder a set, each a dataset of digits in a Hub repo's layout. Of each its test split is used, or
where it has none the writers (column `writer`), else the rows, that `python -m training train --sketches SET
--unit-column writer --test-share 0.3` leaves out. Drawings are prepared as `CnnModel.predict_sketch` prepares them;
`--mnist` adds MNIST's own test images as they are.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.common import about, report
from model.quiet import quiet


def recalls(model_folder: str, dataset: str, sketches: bool, share: float) -> tuple[str, np.ndarray, np.ndarray]:
    """Return what was measured, the share of rightly answered rows of each class, and its number of rows."""
    with quiet():
        from model import CnnModel
        from training.config import DataConfig
        from training.decoding import decoded_batches
        from training.run import open_test

    model = CnnModel.from_pretrained(model_folder)
    data = DataConfig(dataset, sketches=(dataset,) if sketches else (), unit_column="writer", test_share=share)
    stream, split = open_test(data, model.config.labels)
    right, rows = np.zeros(len(model.config.labels)), np.zeros(len(model.config.labels))
    for images, labels, _ in decoded_batches(stream, stream.ordered(), model.config.image_shape):
        answers = model.predict(images).argmax(axis=1)
        np.add.at(rows, labels, 1)
        np.add.at(right, labels, answers == labels)
    return f"{Path(dataset).name}, {split}", right / np.maximum(rows, 1), rows


def main() -> None:
    """Measure each model on each set and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="folder or Hub id of a model (default: the bundled one)")
    parser.add_argument("--drawings", type=Path, required=True, help="folder of datasets of drawings")
    parser.add_argument("--mnist", type=Path, help="MNIST, to be measured beside them")
    parser.add_argument("--test-share", type=float, default=0.3, help="of a set without a test split (default: 0.3)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    sets = [(str(folder), True) for folder in sorted(options.drawings.iterdir()) if folder.is_dir()]
    if options.mnist:
        sets.insert(0, (str(options.mnist), False))
    models = options.model or ["model/pretrained"]
    lines = [f"| model | set | rows | all | {' | '.join('0123456789')} |", "|---|---|---:|---:|" + "---:|" * 10]
    for model in models:
        for dataset, sketches in sets:
            name, shares, rows = recalls(model, dataset, sketches, options.test_share)
            total = (shares * rows).sum() / rows.sum()
            cells = [f"{100 * share:.1f}" for share in shares]
            lines.append(
                f"| {Path(model).name} | {name} | {int(rows.sum()):,} | {100 * total:.2f} | {' | '.join(cells)} |"
            )
            print(lines[-1], flush=True)
    chosen = [f"--model {Path(model).name}" for model in models] if options.model else []
    line = about("benchmarks.drawings", options.drawings, *chosen).replace("--data", "--drawings")
    report("Drawings", "\n".join([*lines, "", "In percent. " + line]), options.write)


if __name__ == "__main__":
    main()
