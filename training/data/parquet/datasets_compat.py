"""The names of `datasets` outside its documented interface, all in one place.

`training/requirements.txt` holds its exact version; `tests/unit/training/data/parquet/test_compat.py` checks the names.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from datasets import Features, config
from datasets.data_files import EmptyDatasetError
from datasets.table import embed_table_storage

__all__ = ["LIMITS", "EmptyDatasetError", "embed_table_storage", "known_features_only", "limited_retries"]

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


@contextmanager
def known_features_only() -> Iterator[dict[str, str]]:
    """Inside this block a README may declare features that this version of `datasets` does not know.

    `datasets` reads all columns of a README or none. Here each is read by itself, and those that fail are left out.

    Yields:
        column -> what `datasets` says about it, for the columns that were left out.
    """
    unknown: dict[str, str] = {}
    method = vars(Features)["_from_yaml_list"]
    original = Features._from_yaml_list

    def read_each(yaml_data: list) -> Features:
        features: dict[str, Any] = {}
        for entry in yaml_data:
            try:
                features |= original([entry])
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                reason = " ".join(str(error).split()).partition(" Available")[0]
                unknown[str(entry.get("name") if isinstance(entry, dict) else entry)] = reason
        return Features(features)

    try:
        setattr(Features, "_from_yaml_list", staticmethod(read_each))  # noqa: B010 - mypy refuses the assignment
        yield unknown
    finally:
        setattr(Features, "_from_yaml_list", method)  # noqa: B010
