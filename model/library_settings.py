"""Settings in the environment that would end the program when a library reads them."""

import logging
from collections.abc import MutableMapping

# Read as numbers when the library is imported, or a server is made.
NUMBERS: dict[str, type[int] | type[float]] = {
    "HF_HUB_DOWNLOAD_TIMEOUT": int,
    "HF_HUB_ETAG_TIMEOUT": int,
    "HF_DATASETS_IN_MEMORY_MAX_SIZE": float,
    "WEB_CONCURRENCY": int,  # read by Uvicorn
    "TQDM_DELAY": float,
    "TQDM_INITIAL": int,
    "TQDM_MAXINTERVAL": float,
    "TQDM_MINITERS": float,
    "TQDM_MININTERVAL": float,
    "TQDM_NCOLS": int,
    "TQDM_NROWS": int,
    "TQDM_POSITION": int,
    "TQDM_SMOOTHING": float,
    "TQDM_TOTAL": float,
    "TQDM_UNIT_DIVISOR": float,
}
KINDS = {int: "whole number", float: "number"}
# Paths and addresses that huggingface_hub reads, by how they start. An empty path would be the current folder.
HUB_PREFIXES = ("HF_", "HUGGINGFACE_", "XDG_CACHE_HOME")

logger = logging.getLogger("trazo")


def set_up_libraries(environ: MutableMapping[str, str]) -> None:
    """Delete settings that a library could not read, or that are empty; for programs, before they import libraries.

    Args:
        environ: `os.environ`; changed.
    """
    for name in list(environ):
        if name.startswith(HUB_PREFIXES) and not environ[name].strip():
            del environ[name]
    for name, kind in NUMBERS.items():
        if name in environ and not _is_number(environ[name], kind):
            logger.warning("%s is %r, which is not a %s from 0 on, and is not used", name, environ[name], KINDS[kind])
            del environ[name]
    if "TF_XLA_FLAGS" in environ:
        logger.warning("TF_XLA_FLAGS is not used: TensorFlow ends the program if it does not know a flag in it")
        del environ["TF_XLA_FLAGS"]
    environ["MPLBACKEND"] = "agg"  # nothing is shown, and with an unknown one Matplotlib cannot be imported


def _is_number(value: str, kind: type[int] | type[float]) -> bool:
    try:
        return 0 <= kind(value) < float("inf")
    except ValueError:
        return False
