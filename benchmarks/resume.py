"""What a resume in the middle of an epoch downloads, against the whole epoch.

    python -m benchmarks.resume --data FOLDER [--copies 20] [--write]

FOLDER holds MNIST in a Hub repo's layout; a dataset with its training shard `--copies` times is measured as well, since
an epoch of few windows leaves little to skip. The Hub on loopback counts requests and bytes of file content. Each line
is a separate process with nothing cached: opening a stream (schema and footers), then nothing more, or the first
batch from the middle of the epoch, or the whole epoch. The window that is fetched ahead counts as well.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks.common import DATASET, about, enlarge, measure, report, served

TASKS = {
    "open": "opening the stream alone",
    "resume": "the first batch from the middle of the epoch",
    "epoch": "the whole epoch",
}


def perform(task: str) -> dict[str, float]:
    """Do one of `TASKS`; returns the rows of the stream and seconds, without those of the imports."""
    from training.stream import HubStream

    started = time.perf_counter()
    stream = HubStream(DATASET)
    if task == "resume":
        batches = stream.epoch(0, start=len(stream) // 2)
        next(batches)
        seconds = time.perf_counter() - started
    else:
        batches = stream.epoch(0) if task == "epoch" else ()
        for _ in batches:
            pass
        seconds = time.perf_counter() - started
    return {"rows": stream.rows, "seconds": seconds}


def main() -> None:
    """Measure the small and the large dataset and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--copies", type=int, default=20, help="shards of the large dataset")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)  # in a separate process
    options = parser.parse_args()
    if options.task:
        print(json.dumps(perform(options.task)))
        return
    lines = ["| rows | what | requests | MB | s |", "|---:|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as temporary:
        for data in (options.data, enlarge(options.data, Path(temporary) / "large", options.copies)):
            for task, title in TASKS.items():
                with served(data) as (hub, environment):  # a new Hub, so that nothing is cached
                    took = measure("benchmarks.resume", ["--task", task], environment)
                    sent = sum(request.sent for request in hub.log if "/resolve/" in request.path)
                lines.append(
                    f"| {took['rows']:,} | {title} | {len(hub.log)} | {sent / 2**20:.2f} | {took['seconds']:.2f} |"
                )
    line = about("benchmarks.resume", options.data, "--copies", str(options.copies))
    report("Resume", "\n".join(lines) + f"\n\n{line}", options.write)


if __name__ == "__main__":
    main()
