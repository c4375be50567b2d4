"""Images per second of Trazo, of its peers, and of decoding alone.

    python -m benchmarks.stream --data FOLDER [--cases NAME …] [--photos FOLDER] [--repeats 3] [--only NAME …] [--write]

FOLDER of `--data` holds MNIST in a Hub repo's layout. Each contender yields the same images and labels in batches of
128, and is measured in a separate process: one epoch to warm up, then, without a break, some timed epochs, of which the
median counts. Trazo and `datasets` read from a Hub on loopback, which uses part of the cores; the others read from
memory or from the disk, after the conversion that they need. Threads are those that decode; in Trazo they are
processes, and the threads that fetch are not counted.

The cases of photographs are made here, unless `--photos` names a folder of JPEGs, in one folder per class. There the
peers read one file per image, and Trazo the same bytes from Parquet files on the disk, or from the Hub. Trazo decodes
photographs in the first epoch and keeps them; "first epoch" are the rows where it decodes in every epoch instead.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq

from benchmarks.common import DATASET, about, measure, rate, report, served
from benchmarks.contender import SHAPE, Contender, Setting
from benchmarks.own import OWN
from benchmarks.peers import PEERS
from benchmarks.photo_files import copy_photographs, make_large, make_small
from benchmarks.photo_peers import PHOTO_CONTENDERS
from benchmarks.torch_peers import TORCH_PEERS

CONTENDERS = PEERS | TORCH_PEERS | OWN | PHOTO_CONTENDERS


@dataclass(frozen=True)
class Case:
    """Images, and what is measured on them.

    Attributes:
        title: of the section of results.
        contenders: name -> contender.
        ratios: columns of the table: title -> the contender that others are compared with, `{}` for as many threads.
        write: writes the images to a folder, and returns what they are and the side of the input; None for `--data`.
    """

    title: str
    contenders: dict[str, Contender]
    ratios: dict[str, str]
    write: Callable[[Path], tuple[str, int]] | None = None


MNIST_RATIOS = {
    "× tutorial": "tutorial",
    "× bare decode, dropped": "bare-dropped-{}",
    "× bare decode, stacked": "bare-stacked-{}",
}
PHOTO_RATIOS = {
    "× `tf.data`": "photo-tf-data",
    "× bare decode, in full": "photo-bare-full",
    "× bare decode, at a part of the size": "photo-bare-reduced",
}
CASES = {
    "mnist": Case("Stream", PEERS | TORCH_PEERS | OWN, MNIST_RATIOS),
    "small-photos": Case("Stream of small photographs", PHOTO_CONTENDERS, PHOTO_RATIOS, make_small),
    "large-photos": Case("Stream of large photographs", PHOTO_CONTENDERS, PHOTO_RATIOS, make_large),
}


def time_contender(name: str, data: Path, shape: tuple[int, int, int], repeats: int) -> dict:
    """Return what one contender took: seconds of each epoch, rows of an epoch, seconds of the conversion."""
    contender = CONTENDERS[name]
    for module in contender.needs:  # imported here, so that no conversion includes it
        try:
            import_module(module)
        except (ImportError, OSError) as error:  # OSError: a library that torch's own lacks
            return {"missing": f"{module}: {str(error).splitlines()[0]}"}
    with tempfile.TemporaryDirectory() as temporary:
        setting = Setting(DATASET, data, Path(temporary) / "converted", shape)
        conversion = None
        if contender.convert:
            started = time.perf_counter()
            contender.convert(setting)
            conversion = time.perf_counter() - started
        rows = sum(pq.read_metadata(shard).num_rows for shard in data.rglob("train-*.parquet"))
        epochs = contender.open(setting)
        # One epoch to warm up, and one after the last timed epoch, so that reading ahead is timed too.
        seen, marks = 0, []
        for _, labels in epochs(range(repeats + 2)):
            seen += len(labels)
            if seen >= rows * (len(marks) + 1):
                marks.append(time.perf_counter())
                if len(marks) > repeats:
                    break
    return {"seconds": np.diff(marks).tolist(), "rows": rows, "conversion": conversion}


def table(case: Case, results: dict[str, dict]) -> str:
    """Return the results as a table in Markdown; ratios are of medians."""
    speed = {name: [r["rows"] / s for s in r["seconds"]] for name, r in results.items() if "seconds" in r}
    middle = {name: median(values) for name, values in speed.items()}
    columns = "contender", "threads", "a batch", "images/s", *case.ratios, "conversion, s"
    lines = [f"| {' | '.join(columns)} |", f"|---|---:|---|{'---:|' * (len(columns) - 3)}"]
    for name, result in results.items():
        contender = CONTENDERS[name]
        cells = [contender.title, str(contender.threads), contender.yields]
        if name not in speed:
            cells += ["not installed" if "missing" in result else f"failed: {result['failed']}".replace("|", "/")]
            cells += ["–"] * (len(case.ratios) + 1)
        else:
            peers = [peer.format(contender.threads) for peer in case.ratios.values()]
            cells += [rate(speed[name])]
            cells += [f"{middle[name] / middle[peer]:.2f}" if peer in middle else "–" for peer in peers]
            cells += [f"{result['conversion']:.1f}" if result["conversion"] is not None else "–"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def run_case(case: Case, data: Path, side: int | None, repeats: int, only: list[str]) -> str:
    """Measure a case's contenders one after another and return the table."""
    results = {}
    with served(data) as (_, environment):
        for name in filter(only.__contains__, case.contenders):
            arguments = ["--contender", name, "--data", str(data), "--repeats", str(repeats)]
            arguments += ["--side", str(side)] if side else []
            try:
                results[name] = measure("benchmarks.stream", arguments, environment)
            except RuntimeError as error:
                results[name] = {"failed": str(error)}
            print(f"{name}: {json.dumps(results[name])}", flush=True)
    return table(case, results)


def main() -> None:
    """Measure the cases one after another and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--cases", nargs="+", choices=CASES, metavar="NAME", default=list(CASES))
    parser.add_argument("--photos", type=Path, help="a folder of JPEGs, instead of those that are made")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, metavar="NAME", default=list(CONTENDERS))
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)  # in a separate process
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        shape = (options.side, options.side, 3) if options.side else SHAPE
        print(json.dumps(time_contender(options.contender, options.data, shape, options.repeats)))
        return
    cases = {f"--cases {name}": CASES[name] for name in options.cases}
    if options.photos:
        write = partial(copy_photographs, source=options.photos)
        chosen = f"--photos {'/'.join(options.photos.parts[-2:])}"
        cases = {chosen: Case("Stream of photographs", PHOTO_CONTENDERS, PHOTO_RATIOS, write)}
    given = ["--repeats", str(options.repeats)]
    given += [] if options.only == list(CONTENDERS) else ["--only", *options.only]
    for chosen, case in cases.items():
        with tempfile.TemporaryDirectory() as temporary:
            data, side, about_images = options.data, None, ""
            if case.write:
                title, side = case.write(Path(temporary))
                data, about_images = Path(temporary) / "dataset", f"{title}, brought to {side} × {side}.\n\n"
            text = run_case(case, data, side, options.repeats, options.only)
        line = about("benchmarks.stream", None if case.write else data, chosen, *given)
        report(case.title, f"{about_images}{text}\n\n{line}", options.write)


if __name__ == "__main__":
    main()
