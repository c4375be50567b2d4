"""What `CnnModel` adds to its network: time of one prediction, of many, of an explanation, and of loading.

    python -m benchmarks.predict [--model FOLDER] [--repeats 7] [--write]

Predictions are measured in turn in one process, after a warm-up; ratios are of medians. The bare network is its
compiled call on float32 pixels that are already in memory, one image or 256 at a time; `keras.Model.predict` gets the
same pixels. Loading is measured in a fresh process each time, after the imports.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.common import about, measure, rate, report
from model.quiet import quiet

MANY = 10_000
BATCH = 256


def seconds(calls: dict[str, Callable[[], object]], repeats: int, times: int) -> dict[str, list[float]]:
    """Return the seconds that one call takes, each measured `repeats` times in turn over `times` calls."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            started = time.perf_counter()
            for _ in range(times):
                call()
            took[name].append((time.perf_counter() - started) / times)
    return took


def load(name: str) -> dict[str, float]:
    """Load a model in a fresh process; return the seconds to load it, and then to its first prediction."""
    with quiet():
        import tensorflow  # noqa: F401 - the measurement starts once it is imported

        from model import CnnModel

    started = time.perf_counter()
    model = CnnModel.from_pretrained(name)
    loaded = time.perf_counter()
    model.predict(np.zeros((1, *model.config.image_shape), np.uint8))
    return {"load": loaded - started, "answer": time.perf_counter() - loaded}


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="model/pretrained", help="folder or Hub id")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    parser.add_argument("--load", action="store_true", help=argparse.SUPPRESS)  # in a separate process
    options = parser.parse_args()
    if options.load:
        print(json.dumps(load(options.model)))
        return
    loads = [measure("benchmarks.predict", ["--model", options.model, "--load"], dict(os.environ)) for _ in range(5)]
    with quiet():
        import tensorflow as tf

        from model import CnnModel
        from model.explain import Explainer

    model = CnnModel.from_pretrained(options.model)
    shape = model.config.image_shape
    images = list(np.random.default_rng(0).integers(0, 256, (MANY, *shape), np.uint8))
    pixels = np.stack(images).astype(np.float32)
    forward = tf.function(lambda x: model.network(x, training=False), [tf.TensorSpec((None, *shape), tf.float32)])
    explainer = Explainer(model)
    explainer.explain(images[0])  # traces the function

    def bare_many() -> np.ndarray:
        return np.concatenate([forward(pixels[i : i + BATCH]).numpy() for i in range(0, MANY, BATCH)])

    one = seconds(
        {
            "the bare network": lambda: forward(pixels[:1]).numpy(),
            "`CnnModel.predict`": lambda: model.predict(images[:1]),
            "`keras.Model.predict`": lambda: model.network.predict(pixels[:1], verbose=0),
            "`Explainer.explain`": lambda: explainer.explain(images[0]),
        },
        options.repeats,
        50,
    )
    many = seconds(
        {
            "the bare network": bare_many,
            "`CnnModel.predict`": lambda: model.predict(images),
            "`keras.Model.predict`": lambda: model.network.predict(pixels, batch_size=BATCH, verbose=0),
        },
        options.repeats,
        1,
    )
    lines = ["| what | one image, ms | × bare | 10,000 images, s | × bare |", "|---|---:|---:|---:|---:|"]
    for name, took in one.items():
        cells = [rate([1000 * value for value in took], 2), f"{median(took) / median(one['the bare network']):.2f}"]
        if name in many:
            cells += [rate(many[name], 2), f"{median(many[name]) / median(many['the bare network']):.2f}"]
        else:
            cells += ["–", "–"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    took, answered = (rate([one[name] for one in loads], 2) for name in ("load", "answer"))
    text = f"Loading in a fresh process, TensorFlow imported before: {took} s; then the first answer: {answered} s."
    line = about("benchmarks.predict", None, "--repeats", str(options.repeats))
    report("Prediction", "\n".join([*lines, "", text, "", f"{Path(options.model).name}: {line}"]), options.write)


if __name__ == "__main__":
    main()
