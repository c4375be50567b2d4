"""What the fast layers save: a training step with them, as a share of one with Keras' own layers.

    python -m benchmarks.fast_layers [--presets NAME …] [--steps 30] [--repeats 3] [--write]

For each preset, on random images that are in memory already: the steps in turn, `--repeats` times. All compute the same
but for rounding; tests compare outputs and gradients.
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
# Which of Keras' layers are replaced.
VARIANTS: tuple[tuple[str, ...], ...] = (
    (),
    ("BatchNormalization",),
    ("BatchNormalization", "Conv2D"),
)


def make_step(preset: str, layers: tuple[str, ...]) -> Callable[[], float]:
    """Return a training step of a preset, with these of Keras' layers replaced; it returns the sum of the loss."""
    with quiet():
        from model.backend import tf

        from model import CnnConfig
        from model.scaling import Scaling
        from training.config import TrainConfig
        from training.loop import trainer
        from training.loop.fast_layers import FAST_LAYERS, replace_layers
        from training.loop.precision import usable_precision
        from training.loop.steps import compile_steps
        from training.presets import PRESETS

    shape = SHAPES.get(preset, (28, 28, 1))
    recipe, architecture = PRESETS[preset]().training, PRESETS[preset]().architecture
    precision = usable_precision(recipe.get("precision", "float32"))
    settings = TrainConfig(**recipe | {"precision": precision, "cutmix": 0.0, "outliers": 0})  # cost the same with both
    scaling = Scaling("min-max", (0.0,) * shape[2], (255.0,) * shape[2])
    config = CnnConfig(image_shape=shape, labels=LABELS, **architecture | {"scaling": scaling})
    kinds = {kind: fast for kind, fast in FAST_LAYERS.items() if kind.__name__ in layers}
    make_fast = trainer.with_fast_layers
    trainer.with_fast_layers = lambda network: replace_layers(network, kinds)
    try:
        state = trainer.create_train_state(config, settings, steps=1000)
    finally:
        trainer.with_fast_layers = make_fast
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
    parser.add_argument("--presets", nargs="+", help="all of them if none is named")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with quiet():
        from training.presets import PRESETS

    added = ["fused normalization", "and wide convolutions"]
    names = ["Keras' layers, ms", *(column for one in added for column in (f"{one}, ms", "share"))]
    lines = [f"| preset | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for preset in options.presets or PRESETS:
        steps = [make_step(preset, layers) for layers in VARIANTS]
        for step in steps:
            step()  # traces the graph
        taken = [[1000 * seconds(step, options.steps) for step in steps] for _ in range(options.repeats)]
        plain, *fast = zip(*taken, strict=True)
        cells = [
            f"{rate(one)} | {rate([ours / theirs for ours, theirs in zip(one, plain, strict=True)], 2)}" for one in fast
        ]
        lines.append(f"| `{preset}` | {rate(plain)} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    line = about("benchmarks.fast_layers", None, f"--steps {options.steps}", f"--repeats {options.repeats}")
    report("Fast layers", "\n".join([*lines, "", line]), options.write)


if __name__ == "__main__":
    main()
