"""A search with Trazo against one with KerasTuner alone: the same trials, their time, memory, and work lost by a kill.

    python -m benchmarks.tuner --data FOLDER [--trials 30] [--steps 100] [--epochs 1] [--repeats 3] [--write]

FOLDER holds a dataset in the layout of a Hub repo. Trazo draws random points of its space. KerasTuner alone then gets
the same points, the same images from `make_train_data`, and Keras' `compile` and `fit`, as in its documentation. The
searches run in separate processes, alternately, and the medians of the repeats are compared. Memory is measured after
each trial, for the search with all its processes. The first trials load libraries, so growth is counted from the
fifth trial to the one with the most memory. For the work lost by a kill, each search is killed (`kill -9`) after two
of a trial's three epochs and started again: every epoch it then trains besides the third was trained before.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import about, measure, rate, report
from model.logs import log_to
from model.quiet import quiet

WARM_UP_TRIALS = 5  # trials after which memory is compared
KILL_EPOCHS = 3


def memory_mb() -> float:
    """Return the memory of this process and its descendants; a shared page is divided among them (Linux's PSS)."""
    size, processes = 0.0, [os.getpid()]
    while processes:
        process = Path(f"/proc/{processes.pop()}")
        with suppress(OSError):  # the process has ended
            (line,) = (
                one
                for one in (process / "smaps_rollup").read_text(encoding="utf-8").splitlines()
                if one.startswith("Pss:")
            )
            size += int(line.split()[1]) / 1024
            for task in (process / "task").iterdir():
                processes += map(int, (task / "children").read_text(encoding="utf-8").split())
    return size


def search_trazo(data: Path, folder: Path, trials: int, epochs: int, steps: int) -> dict[str, Any]:
    """Search with Trazo; return seconds and the memory after each trial."""
    with quiet():
        from training.commands.tune import tune
        from training.config import DataConfig, TuneConfig
        from training.tuning import tuner

    sizes: list[float] = []
    original = tuner.StreamTuner.on_trial_end

    def on_trial_end(self: tuner.StreamTuner, trial: Any) -> None:
        original(self, trial)
        sizes.append(memory_mb())

    tuner.StreamTuner.on_trial_end = on_trial_end
    started = time.perf_counter()
    search = TuneConfig(trials, "random", full_trials=True, trial_epochs=epochs, trial_steps=steps)
    # KerasTuner alone trains in float32 and without a moving average.
    tune(DataConfig(str(data)), {"precision": "float32", "ema_momentum": 0.0}, search, folder)
    return {"seconds": time.perf_counter() - started, "sizes": sizes}


def search_plain(data: Path, folder: Path, trials: int, epochs: int, steps: int) -> dict[str, Any]:
    """Try the points of `folder`'s trials.json with KerasTuner alone; return the same."""
    with quiet():
        import keras
        import keras_tuner

        from model.losses import make_loss
        from training.config import DataConfig, TrainConfig
        from training.data.splits import open_data
        from training.data.statistics import pixel_histogram
        from training.loop.optimizer import make_optimizer
        from training.pipeline import make_eval_data, make_train_data
        from training.tuning.search_space import space_of
        from training.tuning.trials_report import read_trials

    searched = read_trials(folder)
    points = [trial.hyperparameters for trial in searched.trials]
    started = time.perf_counter()
    opened = open_data(DataConfig(str(data)))
    space = space_of(searched, pixel_histogram(opened.train, opened.image_shape, folder / "pixels.json"))

    class FixedPoints(keras_tuner.Oracle):
        def populate_space(self, trial_id: str) -> dict[str, Any]:
            return {"status": "RUNNING", "values": points[int(trial_id)]}

    class Model(keras_tuner.HyperModel):
        def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
            network, training = space.build(hp), space.point(hp)[1]
            optimizer = make_optimizer(TrainConfig(**training | {"epochs": epochs}), steps)
            loss = make_loss(opened.train.task, training["loss"], len(opened.train.labels))
            metrics = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
            network.compile(optimizer=optimizer, loss=loss, metrics=metrics, jit_compile=False)
            return network

        def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *_: Any, **options: Any) -> Any:
            _, training = space.point(hp)
            stream = opened.train.rebatch(training["batch_size"])
            shape = opened.image_shape
            settings = TrainConfig(**training)
            train = make_train_data(stream, epochs=epochs, steps=steps, image_shape=shape, augment=settings)
            log = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: print(f"epoch {epoch + 1}", flush=True))
            return model.fit(
                train,
                epochs=epochs,
                steps_per_epoch=min(steps, len(stream)),
                validation_data=make_eval_data(opened.validation, image_shape=shape),
                verbose=0,
                callbacks=[*options["callbacks"], log],
            )

    sizes: list[float] = []

    class Tuner(keras_tuner.Tuner):
        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            sizes.append(memory_mb())

    oracle = FixedPoints(keras_tuner.Objective("val_accuracy", "max"), trials)
    oracle.verbose = 0
    tuner = Tuner(oracle=oracle, hypermodel=Model(), directory=str(folder), project_name="plain")
    tuner.search(verbose=0)
    return {"seconds": time.perf_counter() - started, "sizes": sizes}


SEARCHES = {"Trazo": search_trazo, "KerasTuner alone": search_plain}


def count_lost_epochs(name: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Kill a search of one trial after its second epoch, start it again; return the number of epochs trained twice."""
    command = [sys.executable, "-m", "benchmarks.tuner", "--contender", name, *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if line.startswith("epoch 2"):
            time.sleep(0.5)  # until it trains the third
            process.send_signal(signal.SIGKILL)
            break
    if process.wait() != -signal.SIGKILL:
        raise RuntimeError(f"the search with {name} ended before it could be killed; give more --steps")
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return sum(line.startswith("epoch ") for line in again.stdout.splitlines()) - 1


def _growth(sizes: list[float]) -> float:
    """Return the growth of memory from the end of the warm-up to its maximum."""
    return max(sizes[WARM_UP_TRIALS:] or sizes) - sizes[min(WARM_UP_TRIALS, len(sizes)) - 1]


def main() -> None:
    """Run the parts and print their table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    parser.add_argument("--contender", choices=SEARCHES, help=argparse.SUPPRESS)  # runs in a separate process
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        log_to("stdout")  # the epochs of Trazo, which `count_lost_epochs` counts
        search = SEARCHES[options.contender]
        print(json.dumps(search(options.data, options.folder, options.trials, options.epochs, options.steps)))
        return
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    lines = [
        "| search | s | × KerasTuner's | MB after 5 trials | maximum after a later one | growth, MB | epochs lost |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SEARCHES}
    lost: dict[str, int] = {}
    common = ["--data", str(options.data), "--steps", str(options.steps)]
    for repeat in range(options.repeats):
        with tempfile.TemporaryDirectory() as temporary:
            long, short = Path(temporary) / "long", Path(temporary) / "short"
            for name, runs in found.items():
                arguments = ["--contender", name, "--folder", str(long), "--trials", str(options.trials)]
                arguments += ["--epochs", str(options.epochs)]
                runs.append(measure("benchmarks.tuner", [*common, *arguments], environment))
                print(name, json.dumps(runs[-1]), flush=True)
                if repeat == 0:
                    once = [*common, "--folder", str(short), "--trials", "1", "--epochs", str(KILL_EPOCHS)]
                    lost[name] = count_lost_epochs(name, once, environment)
    reference = median(run["seconds"] for run in found["KerasTuner alone"])
    for name, runs in found.items():
        seconds = [run["seconds"] for run in runs]
        sizes = max((run["sizes"] for run in runs), key=_growth)
        warm = sizes[min(WARM_UP_TRIALS, len(sizes)) - 1]
        lines.append(
            f"| {name} | {rate(seconds, 0)} | {median(seconds) / reference:.2f} | {warm:,.0f} "
            f"| {warm + _growth(sizes):,.0f} | {_growth(sizes):+,.0f} | {lost[name]} of 2 |"
        )
    lines += ["", "Memory is shown for the repeat with the largest growth, in MB after each of its trials:", ""]
    for name, runs in found.items():
        sizes = max((run["sizes"] for run in runs), key=_growth)
        lines += [f"- {name}: {', '.join(f'{size:,.0f}' for size in sizes)}"]
    chosen = f"--trials {options.trials} --epochs {options.epochs} --steps {options.steps} --repeats {options.repeats}"
    report("Search", "\n".join([*lines, "", about("benchmarks.tuner", options.data, chosen)]), options.write)


if __name__ == "__main__":
    main()
