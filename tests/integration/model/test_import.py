"""Importing the package changes nothing outside it."""

import subprocess
import sys

SCRIPT = """
import logging, os, sys
before = dict(os.environ), logging.root.level, list(logging.root.handlers)
import model
assert not {"tensorflow", "keras", "cv2", "huggingface_hub", "pydantic"} & sys.modules.keys()
import model.preprocess.sketch, model.io.locate
assert (dict(os.environ), logging.root.level, list(logging.root.handlers)) == before
"""


def test_import_leaves_environment_and_logging_alone():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
