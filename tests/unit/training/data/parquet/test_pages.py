"""Parquet files of a few kilobytes that would fill the memory are refused before anything is decoded."""

import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model import TrazoError
from training.data.parquet.byte_ranges import HttpOptions, open_files
from training.data.parquet.find_files import FoundSplit
from training.data.parquet.footers import MIN_CHECKED_ROWS, find_chunks, parse_footer, read_footers
from training.data.parquet.pages import bound_decoded_bytes
from training.data.parquet.source import ParquetSplit, _join_files

MEGABYTE = bytes(1 << 20)
ROWS = 400  # of a megabyte each


def open_split(path: Path) -> ParquetSplit:
    files, paths = open_files([str(path)], None, HttpOptions())
    found = FoundSplit(str(path), "train", None, None, ("train",), (str(path),), None)
    return _join_files(found, files, paths, read_footers(files, paths))


def read_all(path: Path, column: str = "image") -> int:
    """Return the bytes of a column of all rows together, as the stream reads it."""
    split = open_split(path)
    return split.read((0, len(split.table.rows)), [column]).nbytes


def repeated(rows: int, value: bytes = MEGABYTE) -> pa.Array:
    """Return an array that takes little memory itself."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value]))


def struct_of(values: pa.Array) -> pa.Array:
    return pa.StructArray.from_arrays([values, pa.nulls(len(values), pa.string())], ["bytes", "path"])


BOMBS = {
    "dictionary, zstd": (repeated(ROWS), {"compression": "zstd"}),
    "dictionary, snappy": (repeated(ROWS), {"compression": "snappy"}),
    "dictionary, gzip": (repeated(ROWS), {"compression": "gzip"}),
    "dictionary, lz4": (repeated(ROWS), {"compression": "lz4"}),
    "dictionary, not compressed": (repeated(ROWS, bytes(1 << 19)), {"compression": "none"}),
    "dictionary, pages of version 2": (repeated(ROWS), {"compression": "zstd", "data_page_version": "2.0"}),
    "dictionary in a struct": (struct_of(repeated(ROWS)), {"compression": "zstd"}),
    "pages of zeros": (pa.array([MEGABYTE] * 140), {"compression": "zstd", "use_dictionary": False}),
    "common beginnings": (
        pa.array([MEGABYTE] * 20),
        {"compression": "zstd", "use_dictionary": False, "column_encoding": {"image": "DELTA_BYTE_ARRAY"}},
    ),
    "lists of zeros": (pa.ListArray.from_arrays([0, 20_000_000], pa.array(np.zeros(20_000_000, np.int8))), {}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_read_file_that_decodes_to_hundreds_of_megabytes_is_refused_before_it_is_decoded(tmp_path, kind):
    values, options = BOMBS[kind]
    path = tmp_path / "train.parquet"
    limit = {} if options.get("use_dictionary") is False else {"dictionary_pagesize_limit": 1 << 30}
    pq.write_table(pa.table({"image": values}), path, row_group_size=len(values), **options, **limit)
    assert path.stat().st_size < 3 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TrazoError, match=r"is refused: row groups 0–0 would take [\d,]+ MB of memory"):
        read_all(path, "image.list" if kind.startswith("lists") else "image")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # kB


def test_read_many_small_groups_that_grow_together_are_refused(tmp_path):
    path = tmp_path / "train.parquet"
    with pq.ParquetWriter(path, pa.schema([("image", pa.binary())]), compression="zstd") as writer:
        for _ in range(50):
            writer.write_table(pa.table({"image": pa.array([bytes(1 << 16)] * 10)}))
    with pytest.raises(TrazoError, match="row groups 0–49 would take"):
        read_all(path)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "lz4", "brotli"])
def test_read_honest_images_are_read(tmp_path, compression, version):
    random = np.random.default_rng(0)
    images = [random.bytes(int(size)) for size in random.integers(1, 60_000, 300)]
    images[7:9] = images[6:7] * 2
    table = pa.table({"image": struct_of(pa.array([*images, None])), "label": pa.array(range(301))})
    path = tmp_path / "train.parquet"
    pq.write_table(table, path, row_group_size=100, compression=compression, data_page_version=version)
    split = open_split(path)
    rows = split.read((0, 4), ["image.bytes", "label"]).to_pylist()
    assert [row["image"]["bytes"] for row in rows] == [*images, None]


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_bound_decoded_bytes_is_a_bound(tmp_path, encoding, dictionary):
    random = np.random.default_rng(1)
    values = [random.bytes(int(size)) for size in random.integers(0, 3000, 500)] * 2
    path = tmp_path / "train.parquet"
    options = {} if dictionary else {"column_encoding": {"image": encoding}}
    pq.write_table(pa.table({"image": values}), path, use_dictionary=dictionary, compression="zstd", **options)
    data = memoryview(path.read_bytes())
    group = pq.read_metadata(path).row_group(0)
    ((chunk, begin),) = find_chunks(group, ["image"])
    bound = bound_decoded_bytes(chunk, group.num_rows, begin, lambda low, high: data[low:high])
    assert bound >= sum(map(len, values))
    if encoding != "DELTA_BYTE_ARRAY" or dictionary:
        assert bound < 3 * sum(map(len, values))


def test_footer_with_more_rows_than_bytes_is_refused(tmp_path):
    path = tmp_path / "train.parquet"
    pq.write_table(pa.table({"label": pa.nulls(MIN_CHECKED_ROWS + 1, pa.int8())}), path)
    with pytest.raises(TrazoError, match=r"damaged footer: it names 1,000,001 rows in [\d,]+ bytes"):
        open_split(path)


def test_read_damaged_file_is_an_error_without_a_traceback(tmp_path):
    """Every byte of a small file's pages changed, one at a time: they may claim anything."""
    good = tmp_path / "good.parquet"
    images = [bytes([n]) * 40 for n in range(12)]
    pq.write_table(pa.table({"image": struct_of(pa.array(images * 2))}), good, row_group_size=12, compression="zstd")
    content = good.read_bytes()
    random = np.random.default_rng(2)
    path, refused = tmp_path / "train.parquet", 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for position in range(4, end):
        changed = bytearray(content)
        changed[position] ^= int(random.integers(1, 256))
        path.write_bytes(changed)
        try:
            split = open_split(path)
            if "image" in split.schema.names:
                assert split.read((0, len(split.table.rows)), ["image"]).nbytes < 1 << 20
        except TrazoError as error:
            assert str(error).isprintable()
            refused += 1
    assert refused > 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10  # kB


def test_parse_footer_of_random_bytes_is_refused():
    random = np.random.default_rng(3)
    for _ in range(200):
        content = random.bytes(40)
        with pytest.raises(TrazoError, match="damaged footer"):
            parse_footer("train.parquet", content + (40).to_bytes(4, "little") + b"PAR1", 1000)
