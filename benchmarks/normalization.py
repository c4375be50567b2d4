"""What the fused batch normalization saves: a training step with it, as a share of one with Keras' own layer.

    python -m benchmarks.normalization [--steps 30] [--repeats 3] [--write]

For each preset, on random images that are in memory already: both steps in turn, `--repeats` times. A batch normalized
by either must give the same loss but for rounding; tests compare outputs and gradients.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks.common import about, rate, report
from model.quiet import quiet

SHAPES = {"photo": (32, 32, 3)}  # of the others 28 × 28 in gray
LABELS = tuple("0123456789")


def make_step(preset: str, fused: bool) -> Callable[[], float]:
    """Return a training step of a preset, which returns the sum of the loss."""
    with quiet():
        from model.backend import tf

        from model import CnnConfig
        from model.scaling import Scaling
        from training.config import TrainConfig
        from training.loop import trainer
        from training.loop.precision import usable_precision
        from training.loop.steps import compile_steps
        from training.presets import PRESETS

    shape = SHAPES.get(preset, (28, 28, 1))
    recipe, architecture = PRESETS[preset]().training, PRESETS[preset]().architecture
    precision = usable_precision(recipe.get("precision", "float32"))
    settings = TrainConfig(**recipe | {"precision": precision, "cutmix": 0.0, "outliers": 0})  # cost the same with both
    scaling = Scaling("min-max", (0.0,) * shape[2], (255.0,) * shape[2])
    config = CnnConfig(image_shape=shape, labels=LABELS, **architecture | {"scaling": scaling})
    fuse = trainer.with_fused_normalization
    trainer.with_fused_normalization = fuse if fused else lambda network: network
    try:
        state = trainer.create_train_state(config, settings, steps=1000)
    finally:
        trainer.with_fused_normalization = fuse
    step, _ = compile_steps(state, config, settings)
    r = np.random.default_rng(0)
    images = tf.constant(r.uniform(0, 255, (settings.batch_size, *shape)), tf.float32)
    labels = tf.constant(r.integers(0, len(LABELS), settings.batch_size), tf.int64)
    return lambda: float(step(images, labels)[0])


def seconds(step: Callable[[], float], steps: int) -> float:
    """Return the median seconds of a step."""
    taken = []
    for _ in range(steps):
        started = time.perf_counter()
        step()
        taken.append(time.perf_counter() - started)
    return median(taken)


def main() -> None:
    """Measure every preset and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with quiet():
        from training.presets import PRESETS

    lines = ["| preset | a step with Keras' layer, ms | fused, ms | share |", "|---|---:|---:|---:|"]
    for preset in PRESETS:
        steps = [make_step(preset, fused) for fused in (False, True)]
        for step in steps:
            step()  # traces the graph
        taken = [[1000 * seconds(step, options.steps) for step in steps] for _ in range(options.repeats)]
        plain, fused = zip(*taken, strict=True)
        share = rate([ours / theirs for theirs, ours in taken], 2)
        lines.append(f"| `{preset}` | {rate(plain)} | {rate(fused)} | {share} |")
        print(lines[-1], flush=True)
    line = about("benchmarks.normalization", None, f"--steps {options.steps}", f"--repeats {options.repeats}")
    report("Batch normalization", "\n".join([*lines, "", line]), options.write)


if __name__ == "__main__":
    main()
