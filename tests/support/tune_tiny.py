"""`python -m tests.support.tune_tiny VERB …`: the command line with a tiny search space and many checkpoints.

The environment variable MAX_PEER_SILENCE_S, if set, is how long a chief and its workers wait for each other.
"""

import os
import sys
from functools import partial

from tests.support.tiny_space import TinySpace
from training.cli import main
from training.commands import tune as search_command
from training.tuning import distributed, tuner

if __name__ == "__main__":
    tuner.fit_in_subprocess = partial(tuner.fit_in_subprocess, save_every_s=0.0)
    distributed.MAX_PEER_SILENCE_S = float(os.environ.get("MAX_PEER_SILENCE_S", distributed.MAX_PEER_SILENCE_S))
    search_command.SearchSpace = TinySpace
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)
