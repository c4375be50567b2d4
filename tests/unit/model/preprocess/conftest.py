"""Digits of the bundled sample."""

import pyarrow.parquet as pq
import pytest

from tests.conftest import SAMPLE


@pytest.fixture(scope="session")
def digits() -> list[bytes]:
    """Return the encoded images of the test split."""
    return [row["bytes"] for row in pq.read_table(f"{SAMPLE}/data/test-00000-of-00001.parquet")["image"].to_pylist()]
