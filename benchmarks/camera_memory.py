"""Peak memory of a training on photographs of a camera, compared with one on MNIST; all processes counted.

    python -m benchmarks.camera_memory --data FOLDER [--images 200] [--write]

FOLDER holds MNIST in a Hub repo's layout. The photographs are JPEGs of 12 megapixels in two class folders, made here.
Each training is a separate process with an empty cache, so it also copies and scans its data; every tenth of a second
the proportional set sizes (PSS) of it and its children are added up. The figure is the largest sum.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from benchmarks.common import about, report
from benchmarks.processes import peak_memory

HEIGHT_PX, WIDTH_PX = 3000, 4000
OPTIONS = ("--preset", "fast", "--epochs", "1", "--steps-per-epoch", "4")


def make_photographs(folder: Path, count: int) -> None:
    """Write JPEGs of 12 megapixels, of about 4 MB each, in two class folders."""
    random = np.random.default_rng(0)
    grain = np.repeat(random.normal(0, 12, (HEIGHT_PX, WIDTH_PX, 1)).astype(np.int16), 3, axis=2)
    for number in range(count):
        small = random.integers(0, 256, (6 + 6 * (number % 2), 8, 3), np.uint8)
        scene = cv2.resize(small, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
        path = folder / ("coarse", "fine")[number % 2] / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.add(scene, grain, dtype=cv2.CV_8U), [cv2.IMWRITE_JPEG_QUALITY, 92])


def peak_of_training(dataset: Path, temporary: Path) -> float:
    """Train on a dataset; return the largest sum of the PSS of all its processes, in MB.

    Raises:
        RuntimeError: if the training fails.
    """
    command = [sys.executable, "-m", "training", "train", "--dataset", str(dataset), *OPTIONS]
    environment = {**os.environ, "TRAZO_CACHE": str(temporary / "cache"), "CUDA_VISIBLE_DEVICES": ""}
    with open(temporary / "log.txt", "wb") as log:
        command += ["--output", str(temporary / "run")]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        peak = peak_memory(process)
    if process.returncode:
        raise RuntimeError((temporary / "log.txt").read_text(encoding="utf-8", errors="replace")[-500:])
    return peak


def main() -> None:
    """Measure both trainings and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    lines = ["| training on | peak of all processes, MB | difference, MB |", "|---|---:|---:|"]
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        photographs = Path(temporary) / "photographs"
        make_photographs(photographs, options.images)
        size = sum(path.stat().st_size for path in photographs.rglob("*.jpg")) >> 20
        for name, data in (("MNIST", options.data), (f"{options.images} photographs, {size:,} MB", photographs)):
            with tempfile.TemporaryDirectory(dir=temporary) as own:
                peaks.append(peak_of_training(data, Path(own)))
            lines.append(f"| {name} | {peaks[-1]:,.0f} | {peaks[-1] - peaks[0]:+,.0f} |")
    line = about("benchmarks.camera_memory", options.data, "--images", str(options.images))
    report("Memory of photographs", "\n".join(lines) + f"\n\n{line}", options.write)


if __name__ == "__main__":
    main()
