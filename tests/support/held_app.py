"""`python -m tests.support.held_app FILE`: the app; its network's process starts when the file is there."""

import sys
import time
from pathlib import Path

import app
from model.config import CnnConfig
from model.io.locate import locate_model
from ui.inference.supervisor import ModelSupervisor
from ui.inference.worker import ModelProcess


def start_process(folder: Path, config: CnnConfig) -> ModelProcess:
    """Wait for the file, then start the network's process."""
    while not Path(sys.argv[1]).exists():
        time.sleep(0.02)
    return ModelProcess(folder, config)


if __name__ == "__main__":
    app.ModelSupervisor.find = lambda *names: ModelSupervisor(*locate_model(*names), start_process=start_process)
    app.main()
