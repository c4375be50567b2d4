"""The names of `datasets` outside its documented interface, all in one place.

`training/requirements.txt` holds its exact version; `tests/unit/training/data/parquet/test_compat.py` checks the names.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from datasets import config
from datasets.data_files import EmptyDatasetError
from datasets.table import embed_table_storage

__all__ = ["LIMITS", "EmptyDatasetError", "embed_table_storage", "limited_retries"]

# `datasets` repeats up to 20 times, with pauses, what the Hub's client has already repeated.
LIMITS = {
    "STREAMING_READ_MAX_RETRIES": 1,
    "STREAMING_READ_RETRY_INTERVAL": 1,
    "STREAMING_READ_SERVER_UNAVAILABLE_RETRY_INTERVAL": 1,
}


@contextmanager
def limited_retries() -> Iterator[None]:
    """Set `LIMITS` inside this block, and do not count downloads, which costs a request to another host."""
    values = dict(LIMITS)
    if "HF_UPDATE_DOWNLOAD_COUNTS" not in os.environ:
        values["HF_UPDATE_DOWNLOAD_COUNTS"] = False
    before = {name: getattr(config, name) for name in values}
    try:
        for name, value in values.items():
            setattr(config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(config, name, value)
