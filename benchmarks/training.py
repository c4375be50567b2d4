"""Seconds of training an epoch from the stream, against training from arrays in memory.

    python -m benchmarks.training --data FOLDER [--epochs 3] [--batches N] [--write]

FOLDER holds MNIST in a Hub repo's layout. Two copies of one network (two blocks of 16 and 32 filters, batch 128, equal
first weights) are trained in turns in one process: an epoch of `make_train_data` (not augmented) from a loopback Hub,
then the same batches in the same order from one float32 array in memory, the least work that a batch can cost: a gather
of its rows. Both therefore end with the same loss, which is printed. The stream's first epoch includes fetching its
first window and building its graph. The Hub shares the cores.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.common import DATASET, NETWORK, RECIPE, about, measure, report, served
from benchmarks.contender import BATCH, SHAPE
from model.quiet import quiet


def make_step(steps: int, labels: tuple[str, ...]) -> Callable:
    """Return a step of training on (images, labels) with a separate network and optimizer; it returns the loss."""
    import keras
    import tensorflow as tf

    from model import CnnConfig
    from model.losses import make_loss
    from model.network import build_network
    from model.scaling import Scaling
    from training.config import TrainConfig
    from training.loop.optimizer import make_optimizer

    keras.utils.set_random_seed(0)
    fields = NETWORK | {"scaling": Scaling("z-score", (33.3,), (78.6,))}  # mean and deviation of MNIST's pixels
    config = CnnConfig(labels=labels, task="multiclass", image_shape=SHAPE, **fields)
    network = build_network(config)
    optimizer = make_optimizer(TrainConfig(**RECIPE), steps)
    optimizer.build(network.trainable_variables)
    loss_of = make_loss(config.task, config.loss, len(labels), 0.0)

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32), tf.TensorSpec((None,), tf.int64)])
    def step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(labels, network(images, training=True))
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return loss

    return step


def time_epochs(epochs: int, limit: int | None) -> dict[str, list[float]]:
    """Train in turns; returns seconds of each epoch from the stream and from memory, and the last loss of each."""
    with quiet():
        from training.augmentation.config import AugmentConfig
        from training.pipeline import make_eval_data, make_train_data
        from training.stream import HubStream

        stream = HubStream(DATASET, batch_size=BATCH)
    steps = min(limit or len(stream), len(stream))
    pairs = [(np.asarray(images), np.asarray(labels)) for images, labels in make_eval_data(stream, image_shape=SHAPE)]
    images, labels = (np.concatenate(column) for column in zip(*pairs, strict=True))
    orders = [[batch.index for batch in stream.epoch(epoch)][:steps] for epoch in range(epochs)]

    def from_memory(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return ((images[rows], labels[rows]) for rows in orders[epoch])

    # One dataset for all epochs, each of which takes its batches from it, as in the trainer.
    batches = iter(
        make_train_data(stream, epochs=epochs, steps=steps, image_shape=SHAPE, augment=AugmentConfig(augment=0))
    )
    ways = {"stream": lambda epoch: islice(batches, steps), "memory": from_memory}
    trained = {name: make_step(epochs * steps, stream.labels) for name in ways}
    for step in trained.values():  # traced before the clock starts
        step(images[:BATCH], labels[:BATCH])
    waits = {name: 0.0 for name in ways}  # the longest for one batch, except the first of an epoch
    took: dict[str, list[float]] = {name: [] for name in ways}
    losses = {}
    for epoch in range(epochs):
        for name, open_epoch in ways.items():
            started = done = time.perf_counter()
            for number, batch in enumerate(open_epoch(epoch)):
                waits[name] = max(waits[name], time.perf_counter() - done if number else 0.0)
                # Read the loss after each step, as the trainer does: otherwise steps would queue up.
                losses[name] = float(trained[name](*batch))
                done = time.perf_counter()
            took[name].append(done - started)
    return took | {"losses": [losses[name] for name in ways], "waits": [waits[name] for name in ways]}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batches", type=int, help="of an epoch; all unless given")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)  # in a separate process
    options = parser.parse_args()
    if options.child:
        print(json.dumps(time_epochs(options.epochs, options.batches)), flush=True)
        return
    shown = ["--epochs", str(options.epochs), *(["--batches", str(options.batches)] if options.batches else [])]
    with served(options.data) as (_, environment):
        took = measure("benchmarks.training", ["--child", *shown], environment)
    lines = ["| epoch | from the stream, s | from memory, s | ratio |", "|---:|---:|---:|---:|"]
    for number, (stream, memory) in enumerate(zip(took["stream"], took["memory"], strict=True), 1):
        lines.append(f"| {number} | {stream:.2f} | {memory:.2f} | {stream / memory:.3f} |")
    stream, memory = sum(took["stream"]), sum(took["memory"])
    lines.append(f"| all | {stream:.2f} | {memory:.2f} | {stream / memory:.3f} |")
    losses = "Loss of the last batch: {:.6f} from the stream, {:.6f} from memory.".format(*took["losses"])
    waits = "Longest wait for a batch after an epoch's first: {:.0f} ms and {:.0f} ms.".format(
        *(1000 * wait for wait in took["waits"])
    )
    line = about("benchmarks.training", options.data, *shown)
    report("Training", "\n".join(lines) + f"\n\n{losses} {waits}\n\n{line}", options.write)


if __name__ == "__main__":
    main()
