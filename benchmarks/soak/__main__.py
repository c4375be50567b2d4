"""The demo under honest and hostile visitors: answers, delays, memory, descriptors and files, minute by minute.

    python -m benchmarks.soak [--minutes 30] [--write]

The demo runs in its own process on loopback. Five honest visitors draw, find edges, load the page, ask for trials and
call an MCP tool; each waits for the answer, which must be right, then 0.3 seconds. The first minute is theirs alone:
the baseline. Then thirteen hostile visitors join in, at a bounded rate, from a process of low priority, which shares
the cores with the demo. Each visitor has a separate address. A file of the demo is deleted a tenth of the run's time,
and at least a minute, after its last use, instead of after an hour, so that the run shows whether files
stay within bounds. The verdict compares the last third of the attack with the second third. The exit code is 1 if it
does not hold.
"""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.common import about, report
from benchmarks.soak.honest import Crowd
from benchmarks.soak.hostile import attack, make_bombs
from benchmarks.soak.results import (
    MINUTE_S,
    Run,
    judge,
    list_errors,
    tabulate_attackers,
    tabulate_minutes,
    tabulate_verdict,
)
from benchmarks.soak.sampling import Sampler
from tests.support.app_server import running

MIN_MINUTES, WARM_UP_S = 3, 5
MIN_AGE_S = 60  # of a file that is deleted; the first drawings wait for the network to be loaded


def soak(folder: Path, minutes: int) -> Run:
    """Run the demo with its visitors; returns what was seen."""
    bombs, temporary = folder / "bombs", folder / "temporary"
    bombs.mkdir()
    temporary.mkdir()
    max_age_s, attack_s = max(MIN_AGE_S, minutes * MINUTE_S / 10), (minutes - 1) * MINUTE_S
    settings = {"TMPDIR": str(temporary), "GRADIO_MCP_SERVER": "True"}
    # A process for each task: the memory of the first is given back, and the second's threads do not slow the honest.
    with (
        ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as process,
        running(folder / "log.txt", "-m", "benchmarks.soak.app", str(max_age_s), **settings) as app,
    ):
        process.submit(make_bombs, bombs).result()
        crowd = Crowd(app.url)
        time.sleep(WARM_UP_S)
        started, sampler = time.monotonic(), Sampler(app.pid, temporary)
        time.sleep(MINUTE_S)
        attackers = process.submit(attack, app.url, bombs, attack_s)
        time.sleep(attack_s)
        sampler.stop()
        crowd.stop()
        return Run(started, crowd.answers, sampler.samples, attackers.result())


def main() -> None:
    """Run, then print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=int, default=30, help=f"at least {MIN_MINUTES}; the first is quiet")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    if options.minutes < MIN_MINUTES:
        parser.error(f"--minutes is {options.minutes}; at least {MIN_MINUTES} are needed")
    with tempfile.TemporaryDirectory() as folder:
        run = soak(Path(folder), options.minutes)
    rules = judge(run, options.minutes)
    lines = [*tabulate_minutes(run, options.minutes), "", *tabulate_verdict(rules), *list_errors(run)]
    lines += ["", *tabulate_attackers(run), "", about("benchmarks.soak", None, f"--minutes {options.minutes}")]
    report("Soak", "\n".join(lines), options.write)
    sys.exit(0 if all(rule.holds for rule in rules) else 1)


if __name__ == "__main__":
    main()
