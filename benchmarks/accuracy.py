"""Accuracy of each preset on MNIST's test split, every seed, from the reports of finished runs.

    for seed in 0 1 2; do
        python -m training train --dataset ylecun/mnist --preset default --seed $seed --output runs/default-$seed
        python -m training evaluate --model runs/default-$seed --dataset ylecun/mnist
    done
    python -m benchmarks.accuracy runs/default-* [--write]

The weights of a run are those of its best epoch on validation; `evaluate` reads the test split once per run. A run
takes an hour, so results are kept in benchmarks/accuracy.json, one row per run, and the table shows all of them.
Another kind of processor rounds sums differently, and the same seed gives other weights: those runs have a separate
line.
"""

import argparse
import json
from itertools import groupby
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.common import about, processor, rate, report
from model.quiet import quiet

LEDGER = Path(__file__).parent / "accuracy.json"
KEY = ("preset", "processor", "seed")


def row_of(run: Path) -> dict[str, Any]:
    """Return the row that is kept of a run.

    Raises:
        ValueError: if it was not measured on MNIST's test split, or not trained as its preset says.
    """
    with quiet():
        from training.presets import PRESETS

    training, evaluation = (
        json.loads((run / f"{name}.json").read_text(encoding="utf-8")) for name in ("training", "evaluation")
    )
    if evaluation["split"] != "test" or not evaluation["dataset"].endswith("mnist") or evaluation["rows"] != 10_000:
        raise ValueError(f"{run} was measured on {evaluation['split']} of {evaluation['dataset']}")
    rows = training["data"]["rows"]["train"]
    preset = PRESETS[training["preset"]]().fit_to("multiclass", (28, 28, 1), rows)
    wanted = json.loads(json.dumps(preset.architecture | preset.training))
    used = training["hyperparameters"]
    # On a processor without bfloat16 a run is in float32.
    other = [name for name, value in wanted.items() if used[name] != value and name != "precision"]
    if other:
        raise ValueError(f"{run} was not trained as the preset {training['preset']} says: {', '.join(other)}")
    return {
        "preset": training["preset"],
        "processor": processor(),
        "seed": training["seed"],
        "parameters": training["parameters"],
        "epochs": len(training["history"]),
        "best_epoch": training["best_epoch"],
        "seconds": training["seconds"],
        "validation": training["history"][training["best_epoch"] - 1]["val_accuracy"],
        "test": evaluation["accuracy"],
        "ece": evaluation["calibration"]["ece"],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return a table with one line per preset and processor, over all seeds."""
    lines = [
        "| preset | parameters | epochs | processor | seeds | s | validation, each seed | test, each seed "
        "| test, mean | ECE, mean |",
        "|---|---:|---:|---|---|---:|---|---|---:|---:|",
    ]
    for (preset, on), group in groupby(rows, lambda row: (row["preset"], row["processor"])):
        runs = list(group)
        cells = [
            f"`{preset}`",
            f"{runs[0]['parameters']:,}",
            str(runs[0]["epochs"]),
            on,
            ", ".join(str(run["seed"]) for run in runs),
            rate(seconds) if (seconds := [run["seconds"] for run in runs if run["seconds"]]) else "–",
            ", ".join(f"{100 * run['validation']:.2f}" for run in runs),
            ", ".join(f"{100 * run['test']:.2f}" for run in runs),
            f"{100 * mean(run['test'] for run in runs):.3f}",
            f"{100 * mean(run['ece'] for run in runs):.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Add the runs to the ledger and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of runs that were evaluated, on this machine")
    parser.add_argument("--write", action="store_true", help="keep them, and put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    known = {tuple(row[name] for name in KEY): row for row in json.loads(LEDGER.read_text(encoding="utf-8"))}
    for run in options.runs:
        try:
            row = row_of(run)
        except (OSError, ValueError) as error:
            parser.error(str(error))
        known[tuple(row[name] for name in KEY)] = row
    rows = [known[key] for key in sorted(known)]
    if options.write:
        LEDGER.write_text(json.dumps(rows, indent=1) + "\n")
    note = (
        "Accuracy and ECE in percent; all seeds that were run, in order. Seconds include any "
        "other load of the machine. The run on AMD is known only by these rounded figures; its folder is gone."
    )
    line = about("benchmarks.accuracy", None, "RUN …")
    report("Accuracy", "\n".join([table(rows), "", note, "", line]), options.write)


if __name__ == "__main__":
    main()
