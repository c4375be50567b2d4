"""Importing the package changes nothing outside it."""

import subprocess
import sys

SCRIPT = """
import logging, os, sys
def state():
    outside = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}  # OpenCV sets it
    return outside, logging.root.level, list(logging.root.handlers)
before = state()
import model
assert not {"tensorflow", "keras", "cv2", "huggingface_hub", "pydantic"} & sys.modules.keys()
import model.preprocess.sketch, model.io.locate
assert state() == before
"""


def test_import_leaves_environment_and_logging_alone():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
