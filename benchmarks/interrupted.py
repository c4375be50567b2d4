"""What interruptions do to a search: a search that is killed at random moments, and a cluster that loses a worker.

    python -m benchmarks.interrupted [--data FOLDER] [--trials 6] [--write]

FOLDER holds a dataset in a Hub repo's layout; without it, the bundled sample is used. Every search is
`python -m training tune` in separate processes. For each strategy one search runs uninterrupted, and another is killed
(`kill -9`) 2 to 20 seconds after it starts and is started again, until it ends between two kills. The cluster, on
loopback, is a chief and two workers; one of them is killed in its first trial. How often a trial was completed is
counted in the output of the processes.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.common import about, report

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
EPOCHS, STEPS, WORKER_TIMEOUT_S = 3, 30, 10
STRATEGIES = ("random", "bayesian", "hyperband", "grid")


def start(
    data: Path, folder: Path, trials: int, strategy: str = "random", environment: Mapping[str, str] = NO_VARIABLES
) -> subprocess.Popen:
    """Start a search, or resume it."""
    command = [sys.executable, "-m", "training", "tune", "--dataset", str(data), "--output", str(folder)]
    command += ["--strategy", strategy]
    if strategy == "grid":  # a grid over everything has far too many points
        command += ["--search", "optimizer"]
    command += ["--trials", str(trials), "--trial-epochs", str(EPOCHS), "--trial-steps", str(STEPS)]
    quiet = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    command += ["--worker-timeout", str(WORKER_TIMEOUT_S)]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env={**os.environ, **quiet, **environment}, **output)


def describe_completions(output: str, trials: list[dict[str, Any]]) -> str:
    """Return, in words, whether each completed trial was completed once."""
    counts = Counter(re.findall(r"^.*\btrial (\d+)  val_accuracy", output, re.MULTILINE))
    completed = [trial["trial_id"] for trial in trials if trial["status"] == "COMPLETED"]
    repeated = [f"{name} {counts[name]} times" for name in completed if counts[name] != 1]
    return "each once" if not repeated else ", ".join(repeated)


def read_trials(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of trials.json."""
    return json.loads((folder / "trials.json").read_text(encoding="utf-8"))["trials"]


def run_uninterrupted(data: Path, folder: Path, trials: int, strategy: str) -> str:
    """Run a search to its end; returns its output."""
    process = start(data, folder, trials, strategy)
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(output)
    return output


def run_killed(data: Path, folder: Path, trials: int, strategy: str) -> tuple[int, str]:
    """Run a search that is killed again and again; returns how often, and its output."""
    generator, kills, all_output = random.Random(0), 0, ""
    while True:
        process = start(data, folder, trials, strategy)
        all_output += process.stdout.readline()  # the search is running; the time before went into imports
        try:
            output, _ = process.communicate(timeout=generator.uniform(2, 20))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            output, _ = process.communicate()
            all_output += output
            kills += 1
            continue
        if process.returncode:
            raise RuntimeError(output)
        return kills, all_output + output


def run_cluster(data: Path, folder: Path, trials: int) -> list[str]:
    """Run a chief and two workers, kill one of them in its first trial; returns their output, with seconds."""
    log, started_at = [], time.monotonic()

    def listen(name: str, process: subprocess.Popen) -> None:
        for line in process.stdout:
            text = line.split("  blocks=")[0].rstrip()  # without a trial's hyperparameters
            log.append(f"{time.monotonic() - started_at:5.0f} s  {name:8}  {text}")

    names = ("chief", "worker-a", "worker-b")
    processes = {name: start(data, folder, trials, environment={"KERASTUNER_TUNER_ID": name}) for name in names}
    threads = [threading.Thread(target=listen, args=one) for one in processes.items()]
    for thread in threads:
        thread.start()
    while not any("worker-a  epoch 1" in line for line in log):
        if not threads[names.index("worker-a")].is_alive():
            raise RuntimeError("\n".join(log))
        time.sleep(0.1)
    processes["worker-a"].kill()
    log.append(f"{time.monotonic() - started_at:5.0f} s  {'':8}  kill -9 worker-a")
    for thread in threads:
        thread.join()
    codes = [f"{name} {process.wait()}" for name, process in processes.items()]
    return [*log, f"{time.monotonic() - started_at:5.0f} s  exit codes: {', '.join(codes)}"]


def main() -> None:
    """Run all three searches and print the table and the log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("training/sample"))
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--write", action="store_true", help="put the results into benchmarks/RESULTS.md")
    options = parser.parse_args()
    lines = ["| strategy | trial | score, uninterrupted | score, killed | losses of every epoch |"]
    lines.append("|---|---|---:|---:|---|")
    counts = []
    with tempfile.TemporaryDirectory() as temporary:
        for strategy in STRATEGIES:
            whole, cut = (Path(temporary) / f"{strategy}-{name}" for name in ("whole", "cut"))
            run_uninterrupted(options.data, whole, options.trials, strategy)
            kills, output = run_killed(options.data, cut, options.trials, strategy)
            for one, other in zip(read_trials(whole), read_trials(cut), strict=True):
                losses = [[row["val_loss"] for row in trial["history"]] for trial in (one, other)]
                points = one["hyperparameters"] == other["hyperparameters"]
                same = "the same bits" if points and losses[0] == losses[1] else "DIFFERENT"
                lines.append(f"| {strategy} | {one['trial_id']} | {one['score']} | {other['score']} | {same} |")
                print(lines[-1], flush=True)
            counts.append(
                f"{strategy}: killed {kills} times; completed {describe_completions(output, read_trials(cut))}"
            )
        lines += ["", "; ".join(counts) + ".", "", "A cluster that loses a worker:", "", "```"]
        many = Path(temporary) / "many"
        log = run_cluster(options.data, many, options.trials)
        lines += [*log, "```", ""]
        trials = read_trials(many)
        ended = [trial["status"] for trial in trials]
        completions = describe_completions("\n".join(log), trials)
        lines.append(f"{ended.count('COMPLETED')} of {len(ended)} trials were completed, {completions}.")
    line = about("benchmarks.interrupted", options.data, f"--trials {options.trials}")
    report("Interrupted searches", "\n".join([*lines, "", line]), options.write)


if __name__ == "__main__":
    main()
