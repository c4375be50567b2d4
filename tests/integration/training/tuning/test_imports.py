"""Importing the tuner changes nothing outside of it."""

from tests.support import import_tuner
from tests.support.forked import run_forked


def test_importing_the_tuner_does_not_change_kerastuner(fork_server):
    assert run_forked(import_tuner.import_again) == 0
