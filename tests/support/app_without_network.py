"""`python -m tests.support.app_without_network`: the app, whose network's process has no network and no TensorFlow."""

from functools import partial

import app
from tests.support import worker_tasks
from ui.inference.supervisor import ModelSupervisor
from ui.inference.worker import ModelProcess


def main() -> None:
    """Run the app."""
    start_process = partial(ModelProcess, target=worker_tasks.run_without_network)
    # The default, so that the models of visitors have it, too.
    ModelSupervisor.__init__.__kwdefaults__["start_process"] = start_process
    app.main()


if __name__ == "__main__":
    main()
