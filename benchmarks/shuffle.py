"""How well the stream mixes: training on a dataset sorted by label against the same rows in random order.

    python -m benchmarks.shuffle --data FOLDER [--seeds 3] [--epochs 3] [--write]

Both copies of FOLDER (MNIST in a Hub repo's layout) have the same row groups; only the order of the rows differs. For
each, the mean entropy of a batch's labels in the streamed order is printed, and the accuracy on the untouched test
split after training a network of two blocks for some epochs, with several seeds.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import NETWORK, RECIPE, about, report
from model import CnnConfig, CnnModel
from model.quiet import quiet

ROWS_PER_GROUP = 100  # as in the row groups that `datasets` writes for images on the Hub


def write_copy(data: Path, folder: Path, order: str) -> str:
    """Write a copy of a dataset whose training rows are sorted by label or in random order; returns its folder."""
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns("train-*"))
    shards = sorted(data.rglob("train-*.parquet"))
    table = pa.concat_tables([pq.read_table(shard) for shard in shards])
    labels = table["label"].to_numpy()
    rows = np.argsort(labels, kind="stable") if order == "sorted" else np.random.default_rng(0).permutation(len(labels))
    target = folder / shards[0].relative_to(data).with_name("train-00000-of-00001.parquet")
    pq.write_table(table.take(pa.array(rows)), target, row_group_size=ROWS_PER_GROUP)
    return str(folder)


def label_entropy(labels: np.ndarray) -> float:
    """Return the entropy of the labels of one batch, in bits."""
    shares = np.bincount(labels) / len(labels)
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    with quiet():
        from training.config import TrainConfig
        from training.data.statistics import pixel_histogram
        from training.evaluation.metrics import evaluate
        from training.loop.trainer import fit
        from training.stream import HubStream

    table = ["| rows | entropy of a batch's labels, bits | test accuracy of each seed | mean |", "|---|---:|---|---:|"]
    with tempfile.TemporaryDirectory() as temporary:
        for order in ("random", "sorted"):
            folder = write_copy(options.data, Path(temporary) / order, order)
            accuracies, entropies = [], []
            for seed in range(options.seeds):
                train, validation = HubStream(folder, seed=seed).hold_out(0.1)
                entropies += [label_entropy(batch.labels) for batch in train.epoch(0)][:-1]
                shape = (28, 28, 1)
                histogram = pixel_histogram(train, shape, Path(temporary) / f"{order}.json")
                network = NETWORK | {"scaling": histogram.fit(NETWORK["scaling"])}
                config = CnnConfig(labels=train.labels, task=train.task, image_shape=shape, **network)
                settings = TrainConfig(**RECIPE | {"seed": seed, "epochs": options.epochs})
                trained, _ = fit(config, settings, train, validation, verbose=False)
                accuracies.append(evaluate(CnnModel(config, trained), HubStream(folder, "test")).accuracy)
            each = ", ".join(f"{100 * accuracy:.2f} %" for accuracy in accuracies)
            mean = 100 * np.mean(accuracies)
            table.append(f"| {order} | {np.mean(entropies):.3f} | {each} | {mean:.2f} % |")
    line = about("benchmarks.shuffle", options.data, f"--seeds {options.seeds}", f"--epochs {options.epochs}")
    report("Shuffle", "\n".join([*table, "", line]), options.write)


if __name__ == "__main__":
    main()
