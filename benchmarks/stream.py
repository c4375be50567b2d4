"""Images per second of Trazo, of its peers, and of decoding alone.

    python -m benchmarks.stream --data FOLDER [--repeats 3] [--only NAME …] [--write]

FOLDER holds MNIST in a Hub repo's layout. Each contender yields the same images and labels in batches of 128, and is
measured in a separate process: one epoch to warm up, then, without a break, some timed epochs, of which the median
counts. Trazo and `datasets` read from a Hub on loopback, which uses part of the cores; the others read from
memory or from the disk, after the conversion that they need. Threads are those that decode; in Trazo they are
processes, and the threads that fetch are not counted.
"""

import argparse
import json
import tempfile
import time
from importlib import import_module
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq

from benchmarks.common import DATASET, about, measure, rate, report, served
from benchmarks.contender import Setting
from benchmarks.own import OWN
from benchmarks.peers import PEERS
from benchmarks.torch_peers import TORCH_PEERS

CONTENDERS = PEERS | TORCH_PEERS | OWN
COLUMNS = (
    "contender",
    "threads",
    "a batch",
    "images/s",
    "× tutorial",
    "× bare decode, dropped",
    "× bare decode, stacked",
    "conversion, s",
)


def time_contender(name: str, data: Path, repeats: int) -> dict:
    """Return what one contender took: seconds of each epoch, rows of an epoch, seconds of the conversion."""
    contender = CONTENDERS[name]
    for module in contender.needs:  # imported here, so that no conversion includes it
        try:
            import_module(module)
        except (ImportError, OSError) as error:  # OSError: a library that torch's own lacks
            return {"missing": f"{module}: {str(error).splitlines()[0]}"}
    with tempfile.TemporaryDirectory() as temporary:
        setting = Setting(DATASET, data, Path(temporary) / "converted")
        conversion = None
        if contender.convert:
            started = time.perf_counter()
            contender.convert(setting)
            conversion = time.perf_counter() - started
        rows = sum(pq.read_metadata(shard).num_rows for shard in data.rglob("train-*.parquet"))
        epochs = contender.open(setting)
        # One epoch to warm up, and one after the last timed epoch, so that reading ahead is timed too.
        seen, marks = 0, []
        for _, labels in epochs(range(repeats + 2)):
            seen += len(labels)
            if seen >= rows * (len(marks) + 1):
                marks.append(time.perf_counter())
                if len(marks) > repeats:
                    break
    return {"seconds": np.diff(marks).tolist(), "rows": rows, "conversion": conversion}


def table(results: dict[str, dict]) -> str:
    """Return the results as a table in Markdown; ratios are of medians, to bare decoding with as many threads."""
    speed = {name: [r["rows"] / s for s in r["seconds"]] for name, r in results.items() if "seconds" in r}
    middle = {name: median(values) for name, values in speed.items()}
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---:|---|---:|---:|---:|---:|---:|"]
    for name, result in results.items():
        contender = CONTENDERS[name]
        cells = [contender.title, str(contender.threads), contender.yields]
        if name not in speed:
            cells += ["not installed" if "missing" in result else f"failed: {result['failed']}".replace("|", "/")]
            cells += ["–"] * 4
        else:
            threads = contender.threads
            peers = "tutorial", f"bare-dropped-{threads}", f"bare-stacked-{threads}"
            cells += [rate(speed[name])]
            cells += [f"{middle[name] / middle[peer]:.2f}" if peer in middle else "–" for peer in peers]
            cells += [f"{result['conversion']:.1f}" if result["conversion"] is not None else "–"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the contenders one after another and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, metavar="NAME", default=list(CONTENDERS))
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)  # in a separate process
    options = parser.parse_args()
    if options.contender:
        print(json.dumps(time_contender(options.contender, options.data, options.repeats)))
        return
    results = {}
    with served(options.data) as (_, environment):
        for name in options.only:
            arguments = ["--contender", name, "--data", str(options.data), "--repeats", str(options.repeats)]
            try:
                results[name] = measure("benchmarks.stream", arguments, environment)
            except RuntimeError as error:
                results[name] = {"failed": str(error)}
            print(f"{name}: {json.dumps(results[name])}", flush=True)
    chosen = [] if options.only == list(CONTENDERS) else ["--only", *options.only]
    line = about("benchmarks.stream", options.data, "--repeats", str(options.repeats), *chosen)
    report("Stream", f"{table(results)}\n\n{line}", options.write)


if __name__ == "__main__":
    main()
