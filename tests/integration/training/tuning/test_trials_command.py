"""`python -m training trials` as a process."""

import json
import subprocess
import sys

from tests.conftest import ROOT
from tests.support.trials import trial_row, trials_report


def test_trials_command_closed_pipe_is_no_error(tmp_path):
    (tmp_path / "trials.json").write_text(json.dumps(trials_report([trial_row(0), trial_row(1)])))
    command = [sys.executable, "-m", "training", "trials", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 0)
