"""The limit of descriptors."""

import subprocess
import sys

import pytest

from ui.server.connections import MAX_CONNECTIONS, max_connections

CODE = """import resource
from ui.server.descriptors import raise_descriptor_limit
print(raise_descriptor_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"""


@pytest.mark.skipif(sys.platform != "linux", reason="the shell's ulimit")
def test_soft_limit_is_raised_to_the_hard_one():
    shell = 'ulimit -Sn 64; ulimit -Hn 500; exec "$@"'
    command = ["bash", "-c", shell, "-", sys.executable, "-S", "-c", CODE]
    assert subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.split() == ["500", "500"]


@pytest.mark.parametrize(("descriptors", "connections"), [(16, 16), (128, 16), (1024, 448), (10**6, MAX_CONNECTIONS)])
def test_connections_fit_into_the_descriptors(descriptors, connections):
    assert max_connections(descriptors) == connections
