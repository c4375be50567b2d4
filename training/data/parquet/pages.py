"""How many bytes column chunks take once they are decoded, from the headers of their pages.

A footer may claim anything. The header of a page is what a reader allocates by, and a page cannot hold more than it
says; but a dictionary or a common beginning is repeated for every value that refers to it. So a file of a kilobyte can
decode to terabytes, and this is known before a page is decompressed.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.parquet.thrift import read_struct

# Of Parquet's struct `PageHeader`: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
TYPE, UNCOMPRESSED_SIZE, COMPRESSED_SIZE, DATA, DICTIONARY, DATA_V2 = 1, 2, 3, 5, 7, 8
DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3
VALUES = 1  # field of each kind's own header; the next is the encoding, but of version 2
ENCODING, ENCODING_V2 = 2, 4
BY_DICTIONARY, BY_COMMON_BEGINNING = (2, 8), 7  # encodings
CODECS = {"SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd", "BROTLI": "brotli", "LZ4": "lz4_raw"}
BYTES = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
NUMBER_BYTES = 8
MAX_DICTIONARY_BYTES = 1 << 26  # that is looked into
MAX_UNSEEN_BYTES = 1 << 16  # of values by a dictionary for which it is not looked into

ReadBytes = Callable[[int, int], memoryview]  # the bytes [begin, end) of the file


class DamagedPageError(ValueError):
    """The pages of a column chunk are not what its footer says."""


def bound_decoded_bytes(chunk: pq.ColumnChunkMetaData, rows: int, begin: int, read: ReadBytes) -> int:
    """Return how many bytes the values of a column chunk take at most, apart from a few bytes per row.

    Args:
        chunk: from the footer.
        rows: of its row group.
        begin: position of its first page.
        read: returns bytes of the file; nothing is decoded but a dictionary.

    Raises:
        DamagedPageError: if a page cannot be read, or there are more values than rows in a column without lists.
    """
    is_repeated = ".list" in chunk.path_in_schema or chunk.num_values > rows
    end = begin + chunk.total_compressed_size
    dictionary = memoryview(b"")
    dictionary_bytes = longest = seen = total = 0
    while seen < chunk.num_values:
        data = read(begin, end)
        try:
            header, length = read_struct(data, 0)
            kind, size, packed = (int(header[field]) for field in (TYPE, UNCOMPRESSED_SIZE, COMPRESSED_SIZE))
            own = header.get({DATA_PAGE: DATA, DATA_PAGE_V2: DATA_V2}.get(kind, DICTIONARY), {})
            values = int(own.get(VALUES, 0))
        except (IndexError, KeyError, ValueError, TypeError, AttributeError, RecursionError):
            raise DamagedPageError("a page has no header") from None
        if min(size, packed, values) < 0 or length + packed > len(data):
            raise DamagedPageError("a page is longer than its column")
        if kind == DICTIONARY_PAGE:
            dictionary_bytes, dictionary = size, data[length : length + packed]
            longest = max(size, packed)  # what is not compressed may claim to be smaller
        elif kind in (DATA_PAGE, DATA_PAGE_V2):
            seen += values
            encoding = own.get(ENCODING if kind == DATA_PAGE else ENCODING_V2)
            if chunk.physical_type not in BYTES:
                total += values * NUMBER_BYTES if is_repeated else 0
            elif encoding in BY_DICTIONARY:
                if dictionary and values * longest > MAX_UNSEEN_BYTES:
                    longest, dictionary = _longest_value(chunk, dictionary, dictionary_bytes), memoryview(b"")
                total += values * longest
            else:
                total += max(size, packed) * (max(1, values) if encoding == BY_COMMON_BEGINNING else 1)
        begin += length + packed
    if seen > chunk.num_values:
        raise DamagedPageError("its pages hold more values than the footer says")
    return total


def bound_file_bytes(metadata: pq.FileMetaData, content: memoryview) -> int:
    """Return how many bytes all values of a small file take at most.

    Args:
        metadata: its footer.
        content: the whole file.

    Raises:
        DamagedPageError: as `bound_decoded_bytes`.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return sum(
        group.num_rows * NUMBER_BYTES
        + bound_decoded_bytes(chunk, group.num_rows, first_page(chunk), lambda begin, end: content[begin:end])
        for group in groups
        for chunk in map(group.column, range(group.num_columns))
    )


def first_page(chunk: pq.ColumnChunkMetaData) -> int:
    """Return the position of a column chunk's first page."""
    return min(one for one in (chunk.dictionary_page_offset, chunk.data_page_offset) if one)


def _longest_value(chunk: pq.ColumnChunkMetaData, packed: memoryview, size: int) -> int:
    """Return the length of the longest value in a dictionary; where that cannot be seen, that of all together."""
    whole = max(size, len(packed))
    if chunk.physical_type != "BYTE_ARRAY" or size > MAX_DICTIONARY_BYTES:
        return whole
    content = packed
    if chunk.compression != "UNCOMPRESSED":
        try:
            content = memoryview(pa.Codec(CODECS[chunk.compression]).decompress(packed, size))
        except (KeyError, pa.ArrowException, OSError):
            return whole
    longest = position = 0
    while position + 4 <= len(content):
        length = int.from_bytes(content[position : position + 4], "little")
        longest, position = max(longest, length), position + 4 + length
    return min(longest, whole)
