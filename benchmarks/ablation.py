"""What each part of the preset `default` contributes: the recipe, and the recipe with one thing changed.

    python -m benchmarks.ablation --data FOLDER --output FOLDER [--epochs 6] [--only NAME …] [--write]

FOLDER holds MNIST in a Hub repo's layout. Each variant is trained on half of the training split and measured on the
other half, 30,000 rows, where two accuracies near 99.5 % differ by chance by 0.06 points (one standard error); the
loss, which weighs every row, shows more. The test split is not read. A variant whose run is complete in `--output` is
not run again; one that was stopped resumes. All of them take hours, so results are kept in benchmarks/ablation.json,
and the table shows all of them.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from benchmarks.common import about, measure, processor, report
from model.quiet import quiet

DOCUMENT = Path(__file__).parent.parent / "docs" / "recipe.md"
LEDGER = Path(__file__).parent / "ablation.json"
CONDITION = (
    "Learned from half of *train*, judged on the other half, 30,000 rows, after the last epoch; one seed. Near half a "
    "percent of errors two figures differ by chance by 0.06 points (one standard error), and the loss shows more. "
    "The loss of smoothed labels is another measure and not to be compared. "
    "Variants that are not in the table are not measured yet."
)
# Name -> the changed fields of the network and of the training.
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the recipe": ({}, {}),
    "no augmentation": ({}, {"augment": 0.0, "elastic_transform": 0.0}),
    "no averaging of the weights": ({}, {"ema_momentum": 0.0}),
    "constant learning rate": ({}, {"schedule": "constant"}),
    "constant learning rate, no averaging": ({}, {"schedule": "constant", "ema_momentum": 0.0}),
    "no normalization": ({"normalization": "none"}, {"learning_rate": 1e-3}),
    "half the filters": ({"filters": (12, 24, 48)}, {}),
    "a sixth more filters": ({"filters": (28, 56, 112)}, {}),
    "label smoothing of 0.1": ({}, {"label_smoothing": 0.1}),
    "no elastic distortion": ({}, {"elastic_transform": 0.0}),
    "every image augmented": ({}, {"clean_fraction": 0.0}),
    "no dropout": ({"dropout": 0.0}, {}),
    "two convolutions per block": ({"convolutions": 2}, {}),
    "layer normalization": ({"normalization": "layer"}, {}),
    "no rotation, slant, zoom, shift": ({}, {"augment": 0.0}),
    "two thirds of them": ({}, {"augment": 1.0}),
    "float32 instead of bfloat16": ({}, {"precision": "float32"}),
}


def recipe_fields(name: str, epochs: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the network's and the training's fields of a variant."""
    with quiet():
        from training.presets import PRESETS

    preset = PRESETS["default"]()
    architecture, training = VARIANTS[name]
    return preset.architecture | architecture, preset.training | {"epochs": epochs} | training


def recipe_of(name: str, epochs: int) -> str:
    """Return a hash of everything a variant is trained with; results with another hash are not compared."""
    return hashlib.sha256(json.dumps(recipe_fields(name, epochs), sort_keys=True).encode()).hexdigest()[:12]


def train_variant(name: str, data: Path, folder: Path, epochs: int) -> dict[str, Any]:
    """Train a variant and return its last epoch's measures and its parameters."""
    with quiet():
        from training.commands.train import train
        from training.config import DataConfig
        from training.presets import PRESETS, Preset

    PRESETS["variant"] = lambda: Preset(*recipe_fields(name, epochs))
    train(DataConfig(str(data), validation_fraction=0.5), {}, folder, "variant", verbose=False)
    report = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    last = report["history"][-1]
    measures = {name: last[name] for name in ("val_accuracy", "val_loss")}
    return measures | {"parameters": report["parameters"], "recipe": recipe_of(name, epochs)}


def table(rows: dict[str, dict[str, Any]], epochs: int) -> str:
    """Return one line per variant that was measured as it is now, in the order of `VARIANTS`."""
    lines = ["| variant | parameters | errors on validation, % | loss on validation |", "|---|---:|---:|---:|"]
    for name in VARIANTS:
        if (found := rows.get(name)) and found["recipe"] == recipe_of(name, epochs):
            errors = 100 * (1 - found["val_accuracy"])
            lines.append(f"| {name} | {found['parameters']:,} | {errors:.2f} | {found['val_loss']:.4f} |")
    return "\n".join(lines)


def main() -> None:
    """Run the variants one after the other and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, help="variants to run (default: all)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/recipe.md")
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)  # in a separate process
    options = parser.parse_args()
    if options.variant:
        print(json.dumps(train_variant(options.variant, options.data, options.output, options.epochs)))
        return
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    known = json.loads(LEDGER.read_text(encoding="utf-8")) if LEDGER.exists() else {}
    condition = f"{options.epochs} epochs on {processor()}"  # results under other conditions are not compared
    rows = known.setdefault(condition, {})
    for name in options.only or VARIANTS:
        folder = options.output / name.replace(",", "").replace(" ", "-")
        arguments = ["--variant", name, "--data", str(options.data), "--output", str(folder)]
        rows[name] = measure("benchmarks.ablation", [*arguments, "--epochs", str(options.epochs)], environment, 7200)
        print(name, rows[name], flush=True)
        if options.write:
            LEDGER.write_text(json.dumps(known, indent=1) + "\n")
    line = about("benchmarks.ablation", options.data, f"--epochs {options.epochs}")
    report("What each part gives", f"{CONDITION}\n\n{table(rows, options.epochs)}\n\n{line}", options.write, DOCUMENT)


if __name__ == "__main__":
    main()
