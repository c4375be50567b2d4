"""Other people's datasets: Trazo compared with what they would use instead.

    python -m benchmarks.own_datasets --data FOLDER … --backbone FOLDER [--contenders NAME …] [--seeds 1]
        [--minutes 30] [--python PYTHON] [--work FOLDER] [--write]

Each FOLDER of `--data` holds images and integer labels with the splits `train` and `test`, in a Hub repo's layout;
`--backbone` is one in timm's layout. Each contender is what a user would write: a command, or a script of this folder,
in its own process with empty caches. Minutes are of the whole process, from the imports to the accuracy on the test
rows, which each looks at once, at its end; memory is the largest sum over its processes, twice a second. Lines are
those of the script, without comments, or the number of commands.

A measurement takes from a minute to more than an hour, so each is kept in benchmarks/own_datasets.json, and one that
is there already is not repeated: delete its row to measure again. Rows of a preset whose recipe has changed since are
dropped. `--python` runs the scripts of others; it needs `autokeras`, `timm` and `scikit-learn` next to Trazo's
requirements.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from itertools import groupby, product
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from PIL import Image

from benchmarks.common import about, processor, rate, report
from benchmarks.own_datasets.contenders import CONTENDERS, Task
from benchmarks.processes import peak_memory

LEDGER = Path(__file__).parents[1] / "own_datasets.json"
KEY = ("dataset", "contender", "minutes_given", "seed")
PAUSE_S = 0.5  # between two looks at the memory


def measure(name: str, task: Task) -> dict[str, Any]:
    """Run a contender; return its row of the ledger.

    Raises:
        RuntimeError: with the end of its output, if it fails.
    """
    shutil.rmtree(task.folder, ignore_errors=True)
    task.folder.mkdir(parents=True)
    started, peak, output = time.monotonic(), 0.0, ""
    with tempfile.TemporaryDirectory() as caches:
        environment = os.environ | {
            "TRAZO_CACHE": str(Path(caches, "trazo")),
            "HF_HOME": str(Path(caches, "hf")),
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        for command in CONTENDERS[name].commands(task):
            with open(task.folder / "log.txt", "ab") as log:
                process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
                peak = max(peak, peak_memory(process, PAUSE_S))
            output = (task.folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
            if process.returncode:
                raise RuntimeError(output[-1000:])
    return {
        "dataset": task.dataset.name,
        "contender": name,
        "minutes_given": task.minutes if name in ("run", "autokeras") else None,
        "seed": task.seed,
        "side_px": task.side_px,
        "rows": task.rows,
        "recipe": CONTENDERS[name].recipe(task.side_px, task.rows),
        "accuracy": CONTENDERS[name].accuracy(output.rsplit("\n", 1)[-1], task.folder),
        "minutes": round((time.monotonic() - started) / 60, 2),
        "memory_mb": round(peak),
        "processor": processor(),
    }


def side_of(dataset: Path) -> int:
    """Return the most common shorter side of the first training images, in pixels."""
    shard = sorted(dataset.rglob("train-*.parquet"))[0]
    batch = next(pq.ParquetFile(shard).iter_batches(100, columns=["image"])).column(0).to_pylist()
    with tempfile.TemporaryFile() as file:
        sides: Counter[int] = Counter()
        for row in batch:
            file.seek(0)
            file.truncate()
            file.write(row["bytes"])
            with Image.open(file) as image:
                sides[min(image.size)] += 1
    return sides.most_common(1)[0][0]


def rows_of(dataset: Path) -> int:
    """Return how many rows there are to learn from."""
    return sum(pq.read_metadata(shard).num_rows for shard in dataset.rglob("train-*.parquet"))


def _is_current(row: dict[str, Any]) -> bool:
    return row["recipe"] == CONTENDERS[row["contender"]].recipe(row["side_px"], row["rows"])


def table(rows: list[dict[str, Any]]) -> str:
    """Return a table with one line per dataset and contender, over all seeds."""
    columns = "dataset", "contender", "seeds", "test accuracy, each seed", "minutes", "memory, MB", "lines or commands"
    lines = [
        f"| {' | '.join(columns)} | processor |",
        "|---|---|---|---|---:|---:|---:|---|",
    ]
    for (dataset, name, given), group in groupby(rows, lambda row: tuple(row[key] for key in KEY[:3])):
        runs, contender = list(group), CONTENDERS[name]
        cells = [
            dataset,
            contender.title + (f", {given:g} minutes" if given else ""),
            ", ".join(str(run["seed"]) for run in runs),
            ", ".join(f"{100 * run['accuracy']:.2f}" for run in runs),
            rate([run["minutes"] for run in runs], 1),
            rate([run["memory_mb"] for run in runs]),
            str(contender.lines),
            ", ".join(sorted({run["processor"] for run in runs})),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["dataset"], [*CONTENDERS].index(row["contender"]), row["minutes_given"] or 0, row["seed"]


def main() -> None:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--contenders", nargs="+", choices=[*CONTENDERS], default=[*CONTENDERS])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30, help="of `run` and of AutoKeras")
    parser.add_argument("--python", default="python", help="the interpreter that has the packages of the others")
    parser.add_argument("--work", type=Path, default=Path("runs/own_datasets"), help="where runs and logs are left")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    rows = json.loads(LEDGER.read_text(encoding="utf-8")) if LEDGER.exists() else []
    stale = [row for row in rows if not _is_current(row)]
    for row in stale:
        print(f"dropped, its recipe has changed: {json.dumps(row)}", flush=True)
    rows = [row for row in rows if row not in stale]
    for seed, data, name in product(range(options.seeds), options.data, options.contenders):
        folder = options.work.resolve() / data.name / f"{name}-{seed}"
        known = {tuple(row[key] for key in KEY) for row in rows}
        given = options.minutes if name in ("run", "autokeras") else None
        if (data.name, name, given, seed) in known:
            continue
        task = Task(
            data.resolve(),
            side_of(data),
            rows_of(data),
            seed,
            options.minutes,
            options.backbone.resolve(),
            options.python,
            folder,
        )
        try:
            row = measure(name, task)
        except RuntimeError as error:
            print(f"{data.name}, {name}, seed {seed}: {error}", flush=True)
            continue
        print(json.dumps(row), flush=True)
        rows = sorted([*rows, row], key=_order)
        LEDGER.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    line = about("benchmarks.own_datasets", None, "--data FOLDER …", "--backbone FOLDER")
    notes = "Accuracy in percent; all seeds that were run, in order. Minutes include any other load of the machine."
    report("Other people's datasets", "\n".join([table(rows), "", notes, "", line]), options.write)


if __name__ == "__main__":
    main()
