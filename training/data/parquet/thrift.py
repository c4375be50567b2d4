"""Find the elements of a list in a struct of Thrift's compact protocol, in which Parquet's footers are written.

Only what is needed to cut a footer: values are skipped, not read. Source of the format: the Apache Thrift project,
"Thrift compact protocol encoding".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

# Types of values. A boolean is part of its field's header; in a list it takes a byte.
BOOLEANS = (1, 2)
BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(3, 13)
VARINTS = (I16, I32, I64)
Buffer = bytes | memoryview
LONG_LIST = 15  # in the place of a list's length: it follows


def find_elements(data: bytes, field: int) -> tuple[int, list[int]]:
    """Return where a list of structs begins in a struct, and where its elements do.

    Args:
        data: begins with the struct, which is valid.
        field: id of the list's field.

    Returns:
        (position of the list's header, positions of the elements and of what follows the last one).

    Raises:
        ValueError: if the field is missing.
    """
    position = number = 0
    while header := data[position]:
        number, position = _field_id(data, position, number)
        if number == field:
            start = position
            length, _, position = _list_header(data, position)
            ends = [position]
            for _ in range(length):
                ends.append(position := _skip_struct(data, position))
            return start, ends
        position = _skip(data, position, header & 15)
    raise ValueError(f"field {field} is missing")


def read_struct(data: Buffer, position: int) -> tuple[dict[int, Any], int]:
    """Return the whole numbers and structs in a struct by the ids of their fields, and the position behind it.

    Raises:
        IndexError: if the data ends in it.
    """
    values: dict[int, Any] = {}
    number = 0
    while header := data[position]:
        number, position = _field_id(data, position, number)
        if (kind := header & 15) in VARINTS:
            value, position = _varint(data, position)
            values[number] = (value >> 1) ^ -(value & 1)
        elif kind == STRUCT:
            values[number], position = read_struct(data, position)
        else:
            position = _skip(data, position, kind)
    return values, position + 1


def cut_list(data: memoryview, start: int, ends: Sequence[int] | np.ndarray, chosen: Sequence[int]) -> bytes:
    """Return a struct in which a list has only some of its elements.

    Args:
        data: the struct, and anything behind it.
        start: from `find_elements`.
        ends: from `find_elements`.
        chosen: which elements.
    """
    elements = [data[ends[n] : ends[n + 1]] for n in chosen]
    return b"".join([data[:start], _make_list_header(len(chosen)), *elements, data[ends[-1] :]])


def _field_id(data: Buffer, position: int, previous: int) -> tuple[int, int]:
    """Return the id of the field whose header is at a position, and the position behind the header."""
    if step := data[position] >> 4:
        return previous + step, position + 1
    value, position = _varint(data, position + 1)
    return (value >> 1) ^ -(value & 1), position


def _make_list_header(length: int) -> bytes:
    if length < LONG_LIST:
        return bytes([length << 4 | STRUCT])
    header = [LONG_LIST << 4 | STRUCT]
    while length > 0x7F:
        header.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*header, length])


def _list_header(data: Buffer, position: int) -> tuple[int, int, int]:
    """Return length, type of the elements, and the position behind the header."""
    header = data[position]
    if header >> 4 < LONG_LIST:
        return header >> 4, header & 15, position + 1
    length, position = _varint(data, position + 1)
    return length, header & 15, position


def _varint(data: Buffer, position: int) -> tuple[int, int]:
    value = shift = 0
    while (byte := data[position]) & 0x80:
        value |= (byte & 0x7F) << shift
        shift, position = shift + 7, position + 1
    return value | byte << shift, position + 1


def _skip_struct(data: Buffer, position: int) -> int:
    """Return the position behind a struct. Written for speed: a footer has a hundred values per row group."""
    while header := data[position]:
        position += 1
        if header < 0x10:  # the field's id follows
            while data[position] & 0x80:
                position += 1
            position += 1
        kind = header & 15
        if kind in VARINTS:
            while data[position] & 0x80:
                position += 1
            position += 1
        elif kind == BINARY:
            if (length := data[position]) < 0x80:
                position += length + 1
            else:
                length, position = _varint(data, position)
                position += length
        elif kind == STRUCT:
            position = _skip_struct(data, position)
        elif kind > 2:
            position = _skip(data, position, kind)
    return position + 1


def _skip(data: Buffer, position: int, kind: int) -> int:
    """Return the position behind a field's value."""
    if kind in VARINTS:
        return _varint(data, position)[1]
    if kind == BINARY:
        length, position = _varint(data, position)
        return position + length
    if kind == STRUCT:
        return _skip_struct(data, position)
    if kind in (LIST, SET):
        length, kind, position = _list_header(data, position)
        if kind in (*BOOLEANS, BYTE):
            return position + length
        for _ in range(length):
            position = _skip(data, position, kind)
        return position
    if kind == MAP:  # none in the format as it is today
        length, position = _varint(data, position)
        kinds, position = (data[position], position + 1) if length else (0, position)
        for _ in range(length):
            for one in (kinds >> 4, kinds & 15):
                position = position + 1 if one in (*BOOLEANS, BYTE) else _skip(data, position, one)
        return position
    return position + {BYTE: 1, DOUBLE: 8}.get(kind, 0)
