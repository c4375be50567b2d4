"""Seconds of training until 99.0 % of MNIST's test images are classified correctly.

    python -m benchmarks.time_to_accuracy --data FOLDER [--seeds 3] [--write]

FOLDER holds MNIST in a Hub repo's layout. In turns, each in a separate process: `train --preset fast`, which streams
from a Hub on loopback, from opening the stream to the checkpoint of its last epoch; and the recipe of keras.io's
`mnist_convnet` example (https://keras.io/examples/vision/mnist_convnet/: two convolutions, 34,826 parameters, batches
of 128, Adam, up to 15 epochs), which has the decoded images in memory, up to the first epoch that reaches the goal on
the test images. Neither time includes imports, decoding for the recipe, evaluation on the test images, or the preset's
temperature, out-of-distribution score and card, which change no prediction.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pyarrow.parquet as pq

from benchmarks.common import DATASET, about, measure, rate, report, served
from model.quiet import quiet

GOAL_ACCURACY = 0.99


def train_preset(seed: int) -> dict[str, float]:
    """Train the preset `fast` as the command line does; returns seconds, epochs and test accuracy."""
    with quiet():
        from model import CnnModel
        from model.artifacts import CHECKPOINT_FILE
        from training.commands.train import train
        from training.config import DataConfig
        from training.evaluation.metrics import evaluate
        from training.stream import HubStream

    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        train(DataConfig(DATASET), {"seed": seed}, Path(folder), "fast", verbose=False)
        # The weights are final with the last checkpoint on disk; the rest only writes reports about them.
        seconds = (Path(folder) / CHECKPOINT_FILE).stat().st_mtime - started
        model = CnnModel.from_pretrained(folder)
        epochs = len(json.loads((Path(folder) / "training.json").read_text(encoding="utf-8"))["history"])
        accuracy = evaluate(model, HubStream(DATASET, "test")).accuracy
    return {"seconds": seconds, "epochs": epochs, "accuracy": accuracy, "parameters": model.network.count_params()}


def train_recipe(data: Path, seed: int) -> dict[str, float]:
    """Train as the example of keras.io is described; returns seconds, epochs and test accuracy."""
    with quiet():
        import keras

    images, labels = _read_arrays(data, "train")
    test = _read_arrays(data, "test")
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    seconds, accuracy, epochs = 0.0, 0.0, 0
    while accuracy < GOAL_ACCURACY and epochs < 15:
        started = time.perf_counter()
        # One call per epoch continues where the last one ended: the rate is constant, and Adam keeps its moments.
        network.fit(images, labels, batch_size=128, epochs=1, validation_split=0.1, verbose=0)
        seconds += time.perf_counter() - started
        epochs += 1
        accuracy = float(network.evaluate(*test, batch_size=500, verbose=0)[1])
    return {"seconds": seconds, "epochs": epochs, "accuracy": accuracy, "parameters": network.count_params()}


def _read_arrays(data: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    table = pq.read_table(sorted(data.rglob(f"{split}-*.parquet")))
    pixels = [
        cv2.imdecode(np.frombuffer(row["bytes"], np.uint8), cv2.IMREAD_UNCHANGED) for row in table["image"].to_pylist()
    ]
    return np.stack(pixels)[..., None].astype(np.float32) / 255, np.eye(10, dtype=np.float32)[table["label"].to_numpy()]


def main() -> None:
    """Measure both in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    parser.add_argument("--contender", choices=("preset", "recipe"), help=argparse.SUPPRESS)  # in a separate process
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        preset = options.contender == "preset"
        print(json.dumps(train_preset(options.seed) if preset else train_recipe(options.data, options.seed)))
        return
    results: dict[str, list[dict]] = {"recipe": [], "preset": []}
    with served(options.data) as (_, environment):
        for seed in range(options.seeds):
            for name, runs in results.items():
                arguments = ["--contender", name, "--seed", str(seed), "--data", str(options.data)]
                runs.append(measure("benchmarks.time_to_accuracy", arguments, environment))
                print(name, seed, json.dumps(runs[-1]), flush=True)
    titles = {"recipe": "keras.io's `mnist_convnet`, from memory", "preset": "`train --preset fast`, from the stream"}
    lines = [
        "| training | parameters | epochs of each seed | test accuracy of each seed | seconds | × the recipe's |",
        "|---|---:|---|---|---:|---:|",
    ]
    reference = median(run["seconds"] for run in results["recipe"])
    for name, runs in results.items():
        epochs = ", ".join(str(run["epochs"]) for run in runs)
        # Rounded, 98.996 % would look like the goal.
        accuracies = ", ".join(
            f"{run['accuracy']:.2%}{'' if run['accuracy'] >= GOAL_ACCURACY else ' (missed)'}" for run in runs
        )
        seconds = [run["seconds"] for run in runs]
        lines.append(
            f"| {titles[name]} | {runs[0]['parameters']:,} | {epochs} | {accuracies} | {rate(seconds, 1)} "
            f"| {median(seconds) / reference:.2f} |"
        )
    line = about("benchmarks.time_to_accuracy", options.data, f"--seeds {options.seeds}")
    report("Time to accuracy", "\n".join([*lines, "", line]), options.write)


if __name__ == "__main__":
    main()
