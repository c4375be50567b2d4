"""Opening a split's Parquet files."""

import pickle
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from model.errors import TrazoError
from tests.conftest import SAMPLE
from training.data.parquet.footers import parse_footer
from training.data.parquet.source import open_source

FILE = Path(SAMPLE) / "data" / "train-00000-of-00001.parquet"


def test_parse_footer_damaged_is_error():
    content = FILE.read_bytes()
    content = content[-8 - int.from_bytes(content[-8:-4], "little") :]
    assert parse_footer("file", content, FILE.stat().st_size).rows == [100] * 35
    for cut in (0, 1, len(content) // 2, len(content) - 9):
        with pytest.raises(TrazoError, match="file has a damaged footer"):
            parse_footer("file", content[cut:-8][: len(content) // 3] + content[-8:], FILE.stat().st_size)


def test_source_pickled_reads_the_same_rows():
    """A search sends its streams to the processes of its trials."""
    source = open_source(SAMPLE, "train")
    copy = pickle.loads(pickle.dumps(source))
    table = copy.read((3, 5), ["label"])
    assert table.equals(source.read((3, 5), ["label"])) and copy.fingerprint == source.fingerprint
    assert table.column("label").to_pylist() == pq.read_table(FILE, columns=["label"])["label"].to_pylist()[300:500]
