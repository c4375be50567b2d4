import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import TrazoError
from training.data.parquet.footer import Footer

TABLE = pa.table(
    {
        "text": [f"row {number} " * (number % 7) for number in range(500)],
        "number": np.arange(500.0),
        "truth": [None if number % 3 == 0 else number % 2 == 0 for number in range(500)],
        "nested": [{"a": list(range(number % 4)), "b": bytes([number % 256])} for number in range(500)],
    },
    metadata={"remark": "ñ" * 300},
)


def written(path, **options) -> bytes:
    pq.write_table(TABLE, path, row_group_size=20, **options)
    content = path.read_bytes()
    return content[-8 - int.from_bytes(content[-8:-4], "little") :]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 24), min_size=1, max_size=25, unique=True),
    st.sampled_from([{}, {"version": "1.0"}, {"compression": "zstd", "write_statistics": False}]),
    st.sampled_from([{}, {"write_page_index": True}, {"sorting_columns": [pq.SortingColumn(1)]}]),
)
def test_a_footer_of_some_row_groups_reads_those_rows(tmp_path_factory, groups, options, more):
    path = tmp_path_factory.mktemp("footer") / "file.parquet"
    footer = Footer.parse("file", written(path, **options, **more))
    assert footer.rows.tolist() == [20] * 25 and footer.schema.equals(pq.read_table(path).schema, check_metadata=True)
    small = footer.of(groups)
    assert small.num_row_groups == len(groups)
    read = pq.ParquetFile(path, metadata=small).read_row_groups(range(len(groups)))
    expected = pa.concat_tables([pq.read_table(path).slice(20 * group, 20) for group in groups])
    assert read.combine_chunks().equals(expected.combine_chunks())


def test_a_footer_of_all_row_groups_is_the_footer(tmp_path):
    content = written(tmp_path / "file.parquet")
    whole = pq.read_metadata(tmp_path / "file.parquet")
    assert Footer.parse("file", content).of(range(25)).equals(whole)


def test_damaged_footers_are_refused(tmp_path):
    content = written(tmp_path / "file.parquet")
    for cut in (0, 1, len(content) // 2, len(content) - 9):
        with pytest.raises(TrazoError, match="file has a damaged footer"):
            Footer.parse("file", content[cut:-8][: len(content) // 3] + content[-8:])
