"""Standard streams that no text, encoding or reader can break."""

import os
import subprocess
import sys

import pytest

from model.console import escape_controls
from model.errors import TrazoError
from tests.conftest import ROOT

PRINT = """
import os, sys
from model.console import set_up_console
from model.logs import log_to, show
set_up_console()
log_to("stdout")
import logging
logging.getLogger("trazo").info("кошки …")
show("error: \\u20ac", "stderr")
for _ in range(20_000):
    show("line")
with open(sys.argv[1], "w", encoding="utf-8") as file:
    print("whole", file=file)
"""


def run(tmp_path, shell, **environment):
    """Run `PRINT` by a shell command in which $PRINT stands for it; returns its result and the file it wrote."""
    script = tmp_path / "print.py"
    script.write_text(PRINT, encoding="utf-8")
    variables = {"PYTHONPATH": str(ROOT), "PRINT": f"{sys.executable} {script} {tmp_path / 'file'}"}
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell],
        capture_output=True,
        timeout=60,
        env=os.environ | variables | environment,
    )
    return result, (tmp_path / "file").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("кошки, 12 × 3 …\n\tnext", "кошки, 12 × 3 …\n\tnext"),
        ("cat\x1b[2J", r"cat\x1b[2J"),
        ("done\rnot done", r"done\rnot done"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\udcff.png", r"\udcff.png"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_escape_controls_leaves_only_what_is_visible(text, expected):
    assert escape_controls(text) == expected


def test_error_text_is_one_line():
    assert str(TrazoError("class 'a\nb\x1b[0m'")) == r"class 'a\nb\x1b[0m'"


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({"PYTHONIOENCODING": "ascii"}, rb"\u043a\u043e\u0448\u043a\u0438 \u2026"),
        ({"PYTHONIOENCODING": "cp1252"}, rb"\u043a\u043e\u0448\u043a\u0438 " + "…".encode("cp1252")),
        ({"PYTHONIOENCODING": "utf-8"}, "кошки …".encode()),
    ],
)
def test_console_escapes_what_its_encoding_lacks(tmp_path, environment, first):
    result, written = run(tmp_path, "$PRINT", **environment)
    assert result.returncode == 0 and written == "whole\n"
    assert result.stdout.splitlines()[0] == first and result.stderr.startswith(b"error: ")


@pytest.mark.parametrize("shell", ["$PRINT | head -n 1", "$PRINT >&- 2>&-", "$PRINT <&- >&- 2>&-", "$PRINT >/dev/full"])
def test_console_nobody_reads_program_continues(tmp_path, shell):
    result, written = run(tmp_path, shell)
    assert result.returncode == 0 and written == "whole\n"
    assert b"Error" not in result.stderr
