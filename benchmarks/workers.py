"""What one training on several workers needs of the network and the Hub, and the speed to expect: a calculation.

    python -m benchmarks.workers --data ylecun/mnist [--preset default] [--batch-size 128]
    python -m benchmarks.workers --rows 1281167 --row-bytes 110000 --parameters 25.6 --normalizations 53 \
        --batch-size 1024 --step-ms 10 --row-ms 2 --decode-ms 1

Nothing is started on another machine. What each worker reads is counted by the code that a training uses, from the row
groups of a dataset, or from equal ones of `--rows`. The time of a step and of decoding is measured here, alone, unless
it is given. The rest is arithmetic, for N workers, B rows in a global batch and S bytes that are summed in a step:

    step    = max(compute + sums, decode, download)
    compute = step_ms + row_ms × ⌈B / N⌉                  the largest slice
    sums    = k × 2 (N − 1) × latency + 2 (N − 1) / N × S / bandwidth
    decode, download: of a worker's rows and row groups; both are done ahead, so only the slowest of the three counts

A ring all-reduce of one tensor has 2 (N − 1) steps, in each of which a worker sends 1/N of it: Patarasu and Yuan,
"Bandwidth optimal all-reduce algorithms for clusters of workstations" (2009), who also show that no algorithm sends
less; the latency of each step as in Thakur, Rabenseifner and Gropp, "Optimization of collective communication
operations in MPICH" (2005). Of the k tensors in a step one holds the gradients, and one says which rows can be used;
each layer of batch normalization adds two, with the sums of a batch, and of their gradients; a preset that mixes images
adds two with all images and labels. They are summed one after another, and not while others are computed. Real networks
reach less than their bandwidth, so these are upper bounds of the speed.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.common import about, report
from training.data.batch_order import WindowSize
from training.data.order import RowGroups, Window, shuffled_windows
from training.data.subset import Subset
from training.data.worker_rows import Worker

WINDOW = WindowSize(32_768, 3 << 25, 32)  # the defaults of a `HubStream`
MEASURED_ROWS = 16, 128  # of two batches, from which the cost of a step and of a row follow
MEASURED_STEPS = 20
DECODED_BATCHES = 20
HUB_WINDOW_S = 300  # over which the Hub counts requests: huggingface.co/docs/hub/rate-limits
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Cost:
    """What a training costs on one worker, in seconds and bytes.

    Attributes:
        step_s: of a step, without its rows.
        row_s: of a row more in it.
        decode_s: of a row, with all decoders of a worker.
        summed_bytes: summed over all workers in a step.
        sums: number of tensors in which they are summed.
    """

    step_s: float
    row_s: float
    decode_s: float
    summed_bytes: int
    sums: int


@dataclass(frozen=True)
class Reads:
    """What the workers read in an epoch: the mean of all, and the one that reads most.

    Attributes:
        requests: of a worker, on average.
        bytes: of a worker, on average.
        most_bytes: of the worker that reads most.
    """

    requests: float
    bytes: float
    most_bytes: float


def first_windows(table: RowGroups, number: int) -> list[Window]:
    """Return the first windows of an epoch, as a `HubStream` makes them."""
    size = WINDOW.bounded(max(1.0, table.bytes.sum() / table.total))
    return shuffled_windows(table, Subset(), 0, 0, size.rows, size.runs, size.bytes)[:number]


def count_reads(table: RowGroups, windows: Sequence[Window], batch_size: int, workers: int) -> Reads:
    """Count what workers read of an epoch, from some of its windows."""
    starts = np.cumsum([0, *(window.rows for window in windows)]).tolist()
    requests, sizes = [], []
    for rank in range(workers):
        worker = Worker(rank, workers, batch_size)
        runs = [
            read.run
            for window, start in zip(windows, starts, strict=False)
            for read in worker.find_rows(window, table, Subset(), start, table.total).reads
        ]
        requests.append(len(runs))
        sizes.append(sum(int(table.bytes[slice(*run)].sum()) for run in runs))
    scale = table.total / starts[-1]
    footers = len(np.unique(table.shard))
    return Reads(footers + scale * float(np.mean(requests)), scale * float(np.mean(sizes)), scale * max(sizes))


def time_step(cost: Cost, reads: Reads, table: RowGroups, batch_size: int, workers: int, links: "Links") -> float:
    """Return the seconds of a step; see the top of this file."""
    rows = ceil(batch_size / workers)
    compute = cost.step_s + cost.row_s * rows
    rounds = 2 * (workers - 1)
    sums = cost.sums * rounds * links.latency_s + rounds / workers * cost.summed_bytes / links.bytes_per_s
    download = reads.most_bytes / (table.total / batch_size) / links.hub_bytes_per_s
    return max(compute + sums, cost.decode_s * rows, download)


@dataclass(frozen=True)
class Links:
    """The network: between two workers, and from the Hub to each of them."""

    bytes_per_s: float
    latency_s: float
    hub_bytes_per_s: float


def make_table(rows: int, row_bytes: int, rows_per_group: int, file_bytes: int = 1 << 29) -> RowGroups:
    """Return the row groups of a dataset whose rows are all alike, in files of about `file_bytes`."""
    groups = np.arange(ceil(rows / rows_per_group))
    sizes = np.minimum(rows_per_group, rows - groups * rows_per_group)
    per_file = max(1, file_bytes // (row_bytes * rows_per_group))
    return RowGroups(groups // per_file, groups % per_file, sizes, sizes * row_bytes)


def measure_network(preset: str, data: str | None, batch_size: int) -> tuple[float, float, int, int]:
    """Train some steps on random images; return step_s, row_s, summed bytes and number of sums of a step."""
    from model.quiet import quiet

    with quiet():
        import keras
        import tensorflow as tf

        from model import CnnConfig
        from model.scaling import Scaling
        from training.config import TrainConfig
        from training.data.image_shape import sample_image_shape
        from training.loop.steps import compile_steps
        from training.loop.trainer import create_train_state
        from training.presets import PRESETS
        from training.stream import HubStream

    stream = HubStream(data) if data else None
    labels, task = (stream.labels, stream.task) if stream else (tuple("0123456789"), "multiclass")
    shape = sample_image_shape(stream) if stream else (28, 28, 1)
    chosen = PRESETS[preset]().fit_to(task, shape, stream.rows if stream else 60_000)
    channels = (0.0,) * shape[2], (255.0,) * shape[2]
    scaling = Scaling("z-score", *channels)
    config = CnnConfig(labels=labels, task=task, image_shape=shape, **chosen.architecture | {"scaling": scaling})
    settings = TrainConfig(**chosen.training)
    state = create_train_state(config, settings, 1000)
    train_step, _ = compile_steps(state, config, settings)
    seconds = []
    for rows in MEASURED_ROWS:
        images = tf.random.stateless_uniform((rows, *shape), (0, 0), maxval=255.0)
        batch = images, tf.zeros(rows, tf.float32 if task == "regression" else tf.int64)
        taken = []
        for _ in range(MEASURED_STEPS + 2):
            started = time.perf_counter()
            train_step(*batch).numpy()
            taken.append(time.perf_counter() - started)
        seconds.append(median(taken[2:]))  # without tracing
    row_s = max(0.0, (seconds[1] - seconds[0]) / (MEASURED_ROWS[1] - MEASURED_ROWS[0]))
    normalizations = [one for one in state.network.layers if isinstance(one, keras.layers.BatchNormalization)]
    statistics = [2 * int(one.moving_mean.shape[0]) + 1 for one in normalizations]
    weights = sum(int(np.prod(one.shape)) for one in state.network.trainable_variables)
    mixed = int(np.prod(shape)) + 1 if settings.mixes_images else 0  # values of a row that every worker gets
    return (
        max(0.0, seconds[0] - row_s * MEASURED_ROWS[0]),
        row_s,
        FLOAT_BYTES * (weights + 2 * sum(statistics) + batch_size * (1 + mixed)),
        2 + 2 * len(statistics) + 2 * bool(mixed),
    )


def measure_decoding(data: str) -> float:
    """Return the seconds of decoding a row, with all decoders of this machine."""
    from training.data.decode import decoded_batches
    from training.data.image_shape import sample_image_shape
    from training.stream import HubStream

    stream = HubStream(data)
    batches = decoded_batches(stream, stream.epochs([0], steps=DECODED_BATCHES + 1), sample_image_shape(stream))
    next(batches)  # the decoders have started
    started = time.perf_counter()
    rows = sum(len(labels) for _, labels, _ in batches)
    return (time.perf_counter() - started) / max(1, rows)


def tables(
    cost: Cost,
    table: RowGroups,
    batch_size: int,
    workers: Sequence[int],
    links: Sequence[tuple[float, Links]],
    windows: int,
) -> str:
    """Return what the workers send and read, and how fast they are, as two tables in Markdown.

    Args:
        cost: of the training.
        table: the row groups of the dataset.
        batch_size: rows of a global batch.
        workers: numbers of workers.
        links: Gbit/s between two workers -> the network.
        windows: number of windows whose reads are counted.
    """
    steps = ceil(table.total / batch_size)
    traffic = ["| workers | rows of a slice | sums, MB a step | sums, GB an epoch | Hub requests an epoch |"]
    traffic[0] += " Hub MB an epoch | share of the dataset | Hub requests in 5 min, all workers |"
    traffic += ["|---:|---:|---:|---:|---:|---:|---:|---:|"]
    speed = [f"| workers | {' | '.join(f'{gbits:g} Gbit/s, images/s' for gbits, _ in links)} |"]
    speed += [f"|---:|{'---:|' * len(links)}"]
    alone, counted = 0.0, first_windows(table, windows)
    for number in workers:
        reads = count_reads(table, counted, batch_size, number)
        sent = 2 * (number - 1) / number * cost.summed_bytes
        seconds = [time_step(cost, reads, table, batch_size, number, link) for _, link in links]
        rates = [batch_size / one for one in seconds]
        alone = alone or rates[0] / number
        in_window = number * reads.requests * min(1.0, HUB_WINDOW_S / (steps * min(seconds)))
        traffic.append(
            f"| {number} | {ceil(batch_size / number)} | {sent / 1e6:.2f} | {sent * steps / 1e9:.2f} "
            f"| {reads.requests:,.0f} | {reads.bytes / 1e6:,.1f} | {reads.bytes / table.bytes.sum():.1%} "
            f"| {in_window:,.0f} |"
        )
        speed.append(f"| {number} | {' | '.join(f'{rate:,.0f} (× {rate / alone:.1f})' for rate in rates)} |")
    return "\n".join([*traffic, "", *speed])


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given, link = parser.add_argument_group("the training"), parser.add_argument_group("the network")
    given.add_argument("--data", help="a dataset of the Hub or a folder, whose training rows are learned")
    given.add_argument("--rows", type=int, default=60_000, help="of a dataset whose rows are alike, without --data")
    given.add_argument("--row-bytes", type=int, default=300, help="of each of them")
    given.add_argument("--rows-per-group", type=int, default=100, help="in each row group")
    given.add_argument("--preset", default="default", help="the network that is measured")
    given.add_argument("--batch-size", type=int, default=128, help="rows of a global batch")
    given.add_argument("--parameters", type=float, metavar="MILLIONS", help="of another network, not measured")
    given.add_argument("--normalizations", type=int, default=0, help="its layers of batch normalization")
    given.add_argument("--step-ms", type=float, help="of a step, without its rows; default: measured")
    given.add_argument("--row-ms", type=float, help="of a row more in it; default: measured")
    given.add_argument("--decode-ms", type=float, help="of a row; default: measured with --data, else 0")
    link.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    link.add_argument("--gbits", type=float, nargs="+", default=[1, 10, 100], help="per second, between two workers")
    link.add_argument("--latency-us", type=float, default=50, help="of a message between two workers")
    link.add_argument("--hub-gbits", type=float, default=1, help="per second, from the Hub to each worker")
    parser.add_argument("--windows", type=int, default=8, help="whose reads are counted")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    if options.parameters and None in (options.step_ms, options.row_ms):
        parser.error("another network is not measured: --parameters needs --step-ms and --row-ms")
    return options


def find_cost(options: argparse.Namespace) -> Cost:
    """Return what was given, and measure the rest."""
    if options.parameters:
        step_s = row_s = 0.0
        # 2 × 256 channels and a count, forward and backward: far less than the weights of such networks.
        values = int(options.parameters * 1e6) + options.normalizations * 2 * 513 + options.batch_size
        summed, sums = FLOAT_BYTES * values, 2 + 2 * options.normalizations
    else:
        step_s, row_s, summed, sums = measure_network(options.preset, options.data, options.batch_size)
    decode_s = measure_decoding(options.data) if options.data and options.decode_ms is None else 0.0

    def chosen(given_ms: float | None, measured_s: float) -> float:
        return measured_s if given_ms is None else given_ms / 1000

    return Cost(
        step_s=chosen(options.step_ms, step_s),
        row_s=chosen(options.row_ms, row_s),
        decode_s=chosen(options.decode_ms, decode_s),
        summed_bytes=summed,
        sums=sums,
    )


def main() -> None:
    """Count, measure and calculate, and print the tables."""
    options = parse_options()
    if options.data:
        from training.data.parquet.source import SourceOptions, open_source

        table = open_source(options.data, "train", SourceOptions()).table
    else:
        table = make_table(options.rows, options.row_bytes, options.rows_per_group)
    cost = find_cost(options)
    network = partial(Links, latency_s=options.latency_us / 1e6, hub_bytes_per_s=options.hub_gbits * 1.25e8)
    links = [(gbits, network(gbits * 1.25e8)) for gbits in options.gbits]
    lines = (
        f"{table.total:,} rows, {table.bytes.sum() / 1e6:,.0f} MB, in {len(table.rows):,} row groups; batches of "
        f"{options.batch_size}. A step: {cost.step_s * 1e3:.1f} ms and {cost.row_s * 1e3:.3f} ms a row; decoding "
        f"{cost.decode_s * 1e3:.3f} ms a row; {cost.summed_bytes / 1e6:.2f} MB summed in {cost.sums} tensors; "
        f"{options.latency_us:g} µs a message; {options.hub_gbits:g} Gbit/s from the Hub to each worker."
    )
    text = tables(cost, table, options.batch_size, options.workers, links, options.windows)
    data = Path(options.data) if options.data else None
    shown = [one for one in sys.argv[1:] if one not in ("--write", "--data", options.data)]
    line = about("benchmarks.workers", data, *shown)
    report("Several workers, calculated", f"{lines}\n\n{text}\n\n{line}", options.write)


if __name__ == "__main__":
    main()
