"""Settings that would end the program when a library reads them."""

import os
import subprocess
import sys

import pytest

from model.library_settings import NUMBERS, set_up_libraries
from tests.conftest import ROOT


@pytest.mark.parametrize("value", ["junk", "1 s", "-1", "nan", "inf"])
def test_set_up_libraries_what_is_no_number_is_dropped_and_named(caplog, value):
    environ = dict.fromkeys(NUMBERS, value)
    set_up_libraries(environ)
    assert environ.keys() == {"MPLBACKEND"}
    assert (
        f"HF_HUB_DOWNLOAD_TIMEOUT is {value!r}, which is not a whole number from 0 on, and is not used" in caplog.text
    )


def test_set_up_libraries_empty_values_count_as_not_set(caplog):
    environ = {"HF_ENDPOINT": "", "HF_HOME": " ", "XDG_CACHE_HOME": "", "HF_TOKEN": "hf_1", "PATH": ""}
    set_up_libraries(environ)
    assert environ == {"HF_TOKEN": "hf_1", "PATH": "", "MPLBACKEND": "agg"} and not caplog.text


def test_set_up_libraries_numbers_are_kept(caplog):
    set_up_libraries(environ := dict.fromkeys(NUMBERS, "30"))
    assert environ == {**dict.fromkeys(NUMBERS, "30"), "MPLBACKEND": "agg"} and not caplog.text


def test_set_up_libraries_flags_that_could_end_the_program_are_dropped_and_named(caplog):
    set_up_libraries(environ := {"TF_XLA_FLAGS": "--unknown"})
    assert environ.keys() == {"MPLBACKEND"} and "TF_XLA_FLAGS is not used" in caplog.text


def test_set_up_libraries_afterwards_each_library_can_be_imported():
    libraries = "huggingface_hub, datasets, tqdm.auto, matplotlib.figure"
    code = f"import os, model.library_settings as s; s.set_up_libraries(os.environ); import {libraries}"
    environment = os.environ | dict.fromkeys(NUMBERS, "junk") | {"MPLBACKEND": "junk", "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


def test_app_is_imported_before_a_library_reads_the_environment():
    """`main` sets it up, after the imports at the top of app.py."""
    code = "import sys, app; print([name for name in ('huggingface_hub', 'tqdm', 'gradio') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout == "[]\n", result.stderr
