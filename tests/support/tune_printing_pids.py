"""`python -m tests.support.tune_printing_pids FOLDER`: a long search that prints the id of its training process."""

import sys
from pathlib import Path

from tests.support.tiny_space import TinySpace, tune
from tests.support.trial_pid import trial_process_pid
from training.commands import tune as search_command
from training.tuning import trial_process, tuner


def fit(*arguments, on_epoch, **options):
    """Train, and print the process id after each epoch."""

    def print_pid(progress) -> None:
        print(trial_process_pid(), flush=True)
        on_epoch(progress)

    return trial_process.fit_in_subprocess(*arguments, on_epoch=print_pid, **options)


if __name__ == "__main__":
    search_command.SearchSpace = TinySpace
    tuner.fit_in_subprocess = fit
    tune(Path(sys.argv[1]), trials=2, trial_epochs=300)
