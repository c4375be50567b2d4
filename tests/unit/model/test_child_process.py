"""How the end of a child process is described; the processes themselves are tested with those who use them."""

import signal

import pytest

from model.child_process import ChildDiedError, describe_exit


@pytest.mark.parametrize(
    ("exit_code", "text"),
    [
        (-signal.SIGKILL, "SIGKILL"),
        (-signal.SIGSEGV, "SIGSEGV"),
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-99, "exit code -99"),
    ],
)
def test_describe_exit_names_signals(exit_code, text):
    assert describe_exit(exit_code) == text
    error = ChildDiedError(exit_code)
    assert str(error) == text and error.exit_code == exit_code
