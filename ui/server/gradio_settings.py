"""Gradio's environment variables: which are used, and a folder for its files that is really this person's."""

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import urlsplit

from model.errors import TrazoError
from model.folders import make_writable, own_temporary_folder

# Some others would open the server's files or its code to visitors, or bypass the limits of `ui.server`; the rest has
# no effect here, but is read when Gradio is imported, and ends the program if it is not a number.
HONORED = {
    "GRADIO_SERVER_NAME",
    "GRADIO_SERVER_PORT",
    "GRADIO_ROOT_PATH",
    "GRADIO_TEMP_DIR",
    "GRADIO_SHARE",
    "GRADIO_SHARE_SERVER_ADDRESS",
    "GRADIO_MCP_SERVER",
}
# Passed to Gradio as arguments of functions, which come first.
PASSED = ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT")
# Gradio keeps its last 10,000 events and computes statistics of all of them after each one. Nothing here uses them.
SET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(sys.maxsize),
    "FORWARDED_ALLOW_IPS": "",  # `ui.server.access` has read it, and tells the proxies from others before uvicorn would
}
# What the image of a Space sets.
EXPECTED = {"GRADIO_ALLOW_FLAGGING", "GRADIO_FLAGGING_MODE", "GRADIO_NUM_PORTS", "GRADIO_SSR_MODE", "GRADIO_THEME"}

FOLDER_NAME = "gradio-trazo"

logger = logging.getLogger("trazo")


def set_up_gradio(environ: MutableMapping[str, str]) -> None:
    """Leave only the variables that are used, and log which others there were; before Gradio is imported.

    Args:
        environ: `os.environ`; changed. `server_address` reads it before.

    Raises:
        TrazoError: if GRADIO_TEMP_DIR cannot be written, no temporary folder can be written, or GRADIO_ROOT_PATH is not
            one.
    """
    if not _is_root_path(root_path := environ.get("GRADIO_ROOT_PATH", "")):
        raise TrazoError(
            f"GRADIO_ROOT_PATH is {root_path!r}, which is neither a path such as /demo nor an address such as "
            "https://example.org/demo"
        )
    others = [name for name in environ if name.startswith("GRADIO_") and name not in HONORED]
    if unexpected := sorted(set(others) - SET.keys() - EXPECTED):
        logger.warning("not used here: %s; docs/serving.md lists what is", ", ".join(unexpected))
    for name in (*others, *PASSED):
        environ.pop(name, None)
    environ.update(SET)
    environ["GRADIO_TEMP_DIR"] = str(gradio_folder(environ))


def _is_root_path(text: str) -> bool:
    """Return whether a text is the path of a URL or a whole one; Gradio asks its own page there, and ends otherwise."""
    if any(c.isspace() or not c.isprintable() or c in "?#\\" for c in text):
        return False
    try:
        return text[:1] in ("", "/") or (urlsplit(text).scheme in ("http", "https") and bool(urlsplit(text).hostname))
    except ValueError:
        return False


def gradio_folder(environ: MutableMapping[str, str]) -> Path:
    """Return a folder for Gradio's files that is Trazo's alone, in GRADIO_TEMP_DIR or the temporary folder.

    What is old in it will be deleted (`ui.server.temp_files`), and other programs may keep files where it lies.

    Raises:
        TrazoError: if GRADIO_TEMP_DIR cannot be written, or no temporary folder can be written.
    """
    parent = None
    if given := environ.get("GRADIO_TEMP_DIR"):
        parent = Path(given).absolute()
        try:
            make_writable(parent)
        except OSError as error:
            raise TrazoError(f"GRADIO_TEMP_DIR is {given!r}, which cannot be written ({error.strerror})") from None
    return own_temporary_folder(FOLDER_NAME, parent)
