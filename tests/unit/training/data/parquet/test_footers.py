"""Footers: parsing only some of a file's row groups."""

import gc
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.data.parquet.footers import Footer, parse_footer
from training.data.parquet.thrift import find_elements


def footer_of(groups: int, rows: int = 3, **options) -> tuple[Footer, pq.FileMetaData]:
    names = [f"a rather long text {number}" * 9 for number in range(rows)]
    table = pa.table({"label": list(range(rows)), "image": [{"bytes": b"x" * 300, "path": name} for name in names]})
    file = io.BytesIO()
    with pq.ParquetWriter(file, table.schema, **options) as writer:
        for _ in range(groups):
            writer.write_table(table)
    content = file.getvalue()
    length = int.from_bytes(content[-8:-4], "little") + 8
    return parse_footer("file", content[-length:], len(content)), pq.read_metadata(io.BytesIO(content))


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False, "write_statistics": False}, {"version": "1.0"}])
@pytest.mark.parametrize("groups", [1, 14, 15, 16, 300])  # a list of 15 and more elements has a longer header
def test_footer_parse_some_row_groups_says_of_them_what_the_whole_says(groups, options):
    footer, whole = footer_of(groups, **options)
    assert footer.rows == [3] * groups and footer.schema.equals(whole.schema.to_arrow_schema(), check_metadata=True)
    for chosen in ([0], [groups - 1], list(range(groups)), list(range(0, groups, 3))):
        parsed = footer.parse(chosen)
        assert parsed.num_row_groups == len(chosen) and parsed.schema.equals(whole.schema)
        for position, group in enumerate(chosen):
            assert parsed.row_group(position).to_dict() == whole.row_group(group).to_dict()


def test_footer_bytes_are_those_in_memory_not_in_the_file():
    footer, whole = footer_of(2, rows=50, compression="zstd", use_dictionary=False)
    assert footer.memory_bytes == [whole.row_group(group).total_byte_size for group in range(2)]
    assert min(footer.memory_bytes) > 50 * 300 > footer.size


def test_footer_bytes_of_a_writer_that_does_not_say_them_are_the_share_of_the_file():
    footer, _ = footer_of(2)
    assert parse_footer("file", footer.content, 10**9).memory_bytes == [5 * 10**8] * 2


def test_parse_footer_leaves_nothing_for_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        footer_of(2)
        left = [one for one in gc.get_objects() if isinstance(one, pq.FileMetaData)]
    finally:
        gc.enable()
    assert not left, "a parsed footer of 600 row groups has 2 MB"


def test_find_elements_without_the_field_is_refused():
    with pytest.raises(ValueError, match="field 4 is missing"):
        find_elements(bytes([0x15, 0x02, 0x00]), 4)
