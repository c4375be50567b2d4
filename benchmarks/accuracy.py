"""Accuracy of each preset on MNIST's test split, every seed, from the reports of finished runs.

    for seed in 0 1 2; do
        python -m training train --dataset ylecun/mnist --preset default --seed $seed --output runs/default-$seed
        python -m training evaluate --model runs/default-$seed --dataset ylecun/mnist
    done
    python -m benchmarks.accuracy runs/default-* [--write]

The weights of a run are those of its best epoch on validation; the test split was read once a run, by `evaluate`.
"""

import argparse
import json
from pathlib import Path
from statistics import mean

from benchmarks.common import about, rate, report


def main() -> None:
    """Read the reports and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs that were evaluated")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    presets: dict[str, list[tuple[dict, dict]]] = {}
    for run in options.runs:
        training, evaluation = (json.loads((run / f"{name}.json").read_text()) for name in ("training", "evaluation"))
        if evaluation["split"] != "test" or "mnist" not in evaluation["dataset"]:
            parser.error(f"{run} was measured on {evaluation['split']} of {evaluation['dataset']}")
        presets.setdefault(training["preset"], []).append((training, evaluation))
    lines = [
        "| preset | parameters | epochs | seconds | validation, each seed | test, each seed | test, mean | ECE, mean |",
        "|---|---:|---:|---:|---|---|---:|---:|",
    ]
    for preset, runs in presets.items():
        runs.sort(key=lambda run: run[0]["seed"])
        validation = [training["history"][training["best_epoch"] - 1]["val_accuracy"] for training, _ in runs]
        test = [evaluation["accuracy"] for _, evaluation in runs]
        cells = [
            f"`{preset}`",
            f"{runs[0][0]['parameters']:,}",
            str(len(runs[0][0]["history"])),
            rate([training["seconds"] for training, _ in runs]),
            ", ".join(f"{100 * value:.2f}" for value in validation),
            ", ".join(f"{100 * value:.2f}" for value in test),
            f"{100 * mean(test):.3f}",
            f"{100 * mean(evaluation['calibration']['ece'] for _, evaluation in runs):.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    note = "In percent; seeds 0, 1, 2, … in order. Seconds are those of the runs, whatever else the machine did."
    report("Accuracy", "\n".join([*lines, "", note, "", about("benchmarks.accuracy", None, "RUN …")]), options.write)


if __name__ == "__main__":
    main()
