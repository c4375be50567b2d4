"""The folder that `deploy` makes: its size, and the time from its start to the first answer.

    python -m benchmarks.deployed [--starts 3] [--drop-caches] [--write]

A loopback Hub serves the bundled model. `deploy --local` makes the folder and installs its requirements from pip's
configured index. Then the folder's app is started several times in this environment, with the model in the Hub's cache
as in a Space. With `--drop-caches`, which needs root on Linux, also without the files in the page cache.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks.common import about, rate, report
from benchmarks.demo import Visitor, seven
from model.io.locate import PRETRAINED
from tests.support.app_server import running
from tests.support.fake_hub import LoopbackHub

MODEL = "someone/digits"


def size(path: Path, without: str = "") -> str:
    """Return the number of files and the megabytes of a folder or file, without subfolders named `without`."""
    found = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
    counted = [p for p in found if not without or without not in p.relative_to(path).parts]
    return f"{len(counted):,} | {sum(p.stat().st_size for p in counted) / 1e6:,.1f}"


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--drop-caches", action="store_true", help="also start without the files in the page cache")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, LoopbackHub(Path(temporary) / "hub") as hub:
        folder = Path(temporary) / "space"
        log = Path(temporary) / "log.txt"
        hub.add_repo(MODEL, "model", PRETRAINED)
        environment = hub.environ(Path(temporary) / "home") | {"HF_HUB_OFFLINE": "0"}
        local = ("-m", "training", "deploy", "--local", "--model", MODEL, "--output", str(folder))
        with running(log, *local, seconds=1800, **environment) as app:
            installed = app.start_s
            Visitor(app, seven()).ask("classify")
        lines = ["| part | files | MB |", "|---|---:|---:|"]
        lines += [f"| `{name}` | {size(folder / name, '__pycache__')} |" for name in ("app.py", "model", "ui")]
        lines.append(f"| its environment | {size(folder / '.venv')} |")
        python = str(folder / ".venv" / "bin" / "python")
        become = f"import os; os.execv({python!r}, [{python!r}, 'app.py'])"
        lines += ["", "| start | page, s | first answer, s |", "|---|---:|---:|"]
        lines.append(f"| `deploy --local`, all packages installed | {installed:.0f} | |")
        for title, dropped in (("later starts", False), ("files not in the page cache", True)):
            if dropped and not options.drop_caches:
                continue
            pages, answers = list[float](), list[float]()
            for _ in range(options.starts):
                if dropped:
                    os.sync()
                    Path("/proc/sys/vm/drop_caches").write_text("3", encoding="utf-8")
                started = time.perf_counter()
                with running(log, "-c", become, folder=folder, MODEL_ID=MODEL, **environment) as app:
                    pages.append(app.start_s)
                    Visitor(app, seven()).ask("classify")
                    answers.append(time.perf_counter() - started)
            lines.append(f"| {title} | {rate(pages, 1)} | {rate(answers, 1)} |")
    report("Deployed folder", "\n".join([*lines, "", about("benchmarks.deployed", None)]), options.write)


if __name__ == "__main__":
    main()
