"""`python -m tests.support.page_process RUN END`: a page that prints the id of its network's process, then ends.

RUN is what runs in the network's process: `run`, or a function of `worker_tasks`. END is how the page ends: `exits`;
`killed`; or `hangs`: it exits while the network's process is stopped.
"""

import os
import signal
import sys
from functools import partial

from model.io.locate import locate_model
from tests.support import worker_tasks
from ui.inference import worker
from ui.inference.supervisor import ModelSupervisor

if __name__ == "__main__":
    run, end = sys.argv[1:]
    target = getattr(worker_tasks, run, worker.run)
    supervisor = ModelSupervisor(*locate_model(), start_process=partial(worker.ModelProcess, target=target))
    if run == "run_loading_forever":
        supervisor.start()
        while supervisor.pid is None:
            pass
    else:
        supervisor.ask(worker_tasks.get_pid)
    if end == "hangs":
        os.kill(supervisor.pid, signal.SIGSTOP)
    print(supervisor.pid, flush=True)
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
