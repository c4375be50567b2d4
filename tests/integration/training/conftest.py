"""One server that all trainings in separate processes are forked from."""

from multiprocessing import forkserver, get_context

import pytest


@pytest.fixture(scope="session")
def fork_server() -> None:
    """Start the server with what a training needs, unless a test has made the product start its own before."""
    get_context("forkserver").set_forkserver_preload(["tests.support.forked"])
    forkserver.ensure_running()
