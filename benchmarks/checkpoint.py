"""What checkpoints cost: the share of a training's time spent on writing them.

    python -m benchmarks.checkpoint --data FOLDER [--steps 100] [--repeats 10] [--write]

For each preset: the seconds of one training step on FOLDER, streamed, and of one checkpoint on this disk, flushed. From
both follows the share of an epoch that goes into checkpoints, one every `SAVE_INTERVAL_S` seconds and one at the end.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import about, rate, report
from model.quiet import quiet


def measure_preset(preset: str, data: Path, steps: int, repeats: int) -> dict[str, Any]:
    """Train some steps; returns seconds of a step, seconds of each checkpoint, its bytes, steps of an epoch."""
    with quiet():
        from model import CnnConfig
        from training.config import TrainConfig
        from training.data.statistics import pixel_histogram
        from training.loop import checkpoint
        from training.loop.trainer import fit
        from training.presets import PRESETS
        from training.stream import HubStream

    recipe, fields = PRESETS[preset]().training, PRESETS[preset]().architecture
    settings = TrainConfig(**recipe | {"epochs": 1, "steps_per_epoch": steps})
    train, rest = HubStream(str(data), batch_size=settings.batch_size).hold_out(0.1)
    epoch = recipe.get("steps_per_epoch") or len(train)
    save, taken = checkpoint.save_checkpoint, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        fields["scaling"] = pixel_histogram(train, (28, 28, 1), Path(folder) / "pixels.json").fit(fields["scaling"])
        config = CnnConfig(labels=train.labels, task=train.task, **fields)

        def timed_save(*arguments: object) -> None:
            for _ in range(repeats):
                started = time.perf_counter()
                save(*arguments)
                taken.append(time.perf_counter() - started)

        checkpoint.save_checkpoint = timed_save
        try:
            _, progress = fit(config, settings, train, rest, checkpoint=path, verbose=False)
        finally:
            checkpoint.save_checkpoint = save
        size = path.stat().st_size
    return {"step": progress.seconds / steps, "saves": taken, "bytes": size, "steps": epoch}


def main() -> None:
    """Measure every preset and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with quiet():
        from training.loop.checkpoint import SAVE_INTERVAL_S
        from training.presets import PRESETS

    lines = ["| preset | checkpoint, MB | to write one, ms | epoch, s | checkpoints per epoch | share of the time |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for preset in PRESETS:
        found = measure_preset(preset, options.data, options.steps, options.repeats)
        epoch = found["step"] * found["steps"]
        number = 1 + math.floor(epoch / SAVE_INTERVAL_S)
        share = number * median(found["saves"]) / epoch
        milliseconds = rate([1000 * seconds for seconds in found["saves"]])
        lines.append(
            f"| `{preset}` | {found['bytes'] / 1e6:.1f} | {milliseconds} | {epoch:.0f} | {number} | {share:.2%} |"
        )
        print(lines[-1], flush=True)
    line = about("benchmarks.checkpoint", options.data, f"--steps {options.steps}")
    report("Checkpoints", "\n".join([*lines, "", line]), options.write)


if __name__ == "__main__":
    main()
