"""A user's script: a search without `if __name__ == "__main__"`. It takes the folder of the run."""

import sys
from pathlib import Path

from tests.support.tiny_space import TinySpace, tune
from training.commands import tune as search_command

search_command.SearchSpace = TinySpace
print("once")
print(len(tune(Path(sys.argv[1]), trials=1)["trials"]), "trial")
