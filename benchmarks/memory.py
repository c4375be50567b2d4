"""Peak memory of scanning, splitting and streaming a dataset, and one twenty times as large.

    python -m benchmarks.memory --data FOLDER [--copies 20] [--repeats 3] [--write]

FOLDER holds MNIST in a Hub repo's layout; the large dataset has its training shard `--copies` times. Both are scanned
(unless --no-scan), split and streamed from a Hub on loopback and from the folder, each in a separate process, shuffled,
and each batch is decoded and dropped. The first of the repeated processes scans, the others find the scan. The figure
is the largest resident size of that process (`ru_maxrss`), without its decoders, which never see more than a few tasks
at a time; TensorFlow, which would add the same to each, is not imported.
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.common import DATASET, about, enlarge, measure, rate, report, served
from benchmarks.contender import SHAPE


def stream_epoch(dataset: str, no_scan: bool) -> dict[str, float]:
    """Stream an epoch of the training rows; returns rows, shards, and the peak and the bound of the window in MB."""
    from training.config import DataConfig
    from training.data.decode import decoded_batches
    from training.data.splits import open_data

    opened = open_data(DataConfig(dataset, no_scan=no_scan))
    stream = opened.train
    rows = 0
    for images, _, _ in decoded_batches(stream, stream.epoch(0), SHAPE):
        rows += len(images)
    if rows != stream.rows or "tensorflow" in sys.modules:
        raise RuntimeError(f"{rows} of {stream.rows} rows came, or TensorFlow was imported")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    window = stream.window_rows * stream.source.row_bytes / 2**20
    return {"rows": rows, "shards": len(set(stream.source.table.shard)), "peak": peak, "window": window}


def main() -> None:
    """Measure both datasets in both places and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--copies", type=int, default=20, help="shards of the large dataset")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    parser.add_argument("--no-scan", action="store_true", help="split without a scan")
    parser.add_argument("--dataset", help=argparse.SUPPRESS)  # in a separate process
    options = parser.parse_args()
    if options.dataset:
        print(json.dumps(stream_epoch(options.dataset, options.no_scan)))
        return
    lines = [
        "| from | rows | shards | peak resident size, MB | difference, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        large = enlarge(options.data, Path(temporary) / "large", options.copies)
        for place in ("a Hub on loopback", "a folder"):
            first = None
            for data in (options.data, large):
                with served(data) as (_, environment):
                    name = str(data) if place == "a folder" else DATASET
                    # The peak of a process starts at that of the one which started it: this one must stay small.
                    arguments = ["--dataset", name, *(["--no-scan"] if options.no_scan else [])]
                    environment["TRAZO_CACHE"] = str(Path(temporary) / "cache")  # scanned once, then opened again
                    runs = [measure("benchmarks.memory", arguments, environment) for _ in range(options.repeats)]
                peaks = [run["peak"] for run in runs]
                first = first or median(peaks)
                lines.append(
                    f"| {place} | {runs[0]['rows']:,} | {runs[0]['shards']} | {rate(peaks)} "
                    f"| {median(peaks) - first:+.0f} |"
                )
    bound = f"A window is at most {runs[0]['window']:.1f} MB of encoded images here, and two are in memory at a time."
    line = about("benchmarks.memory", options.data, "--copies", str(options.copies), "--repeats", str(options.repeats))
    report("Memory", "\n".join(lines) + f"\n\n{bound}\n\n{line}", options.write)


if __name__ == "__main__":
    main()
