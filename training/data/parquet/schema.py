"""What the files of a split agree on: the type of each column, and on which columns they differ.

A column that is not used may have any type, and may differ between files. So a disagreement is kept as a sentence, and
raised only when its column is used.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from datasets import ClassLabel, Features, Image

from training.data.folders.report import list_some

UNKNOWN_FEATURE_ERRORS = (ValueError, TypeError, KeyError, AttributeError)  # what `datasets` raises
MAX_TYPE_CHARACTERS = 60


@dataclass(frozen=True)
class JoinedSchema:
    """The columns of all files of a split together.

    Attributes:
        schema: one type for each column that any file has; of a column without agreement that of the first file.
        features: the same in the terms of `datasets`, without the columns for whose types it has none.
        problems: column -> why it cannot be used, in one sentence.
    """

    schema: pa.Schema
    features: Features
    problems: dict[str, str]


def join_schemas(
    paths: Sequence[str], schemas: Sequence[pa.Schema], declared: Features | None, problems: Mapping[str, str]
) -> JoinedSchema:
    """Join the schemas of a split's files; apart from the order of the columns, their order does not matter.

    Args:
        paths: of the files.
        schemas: of the files.
        declared: features that the dataset's README declares; they say what a column means, not how it is stored.
        problems: of columns that are known already.
    """
    first = {id(schema): path for path, schema in zip(reversed(paths), reversed(schemas), strict=True)}
    distinct = [(path, next(s for s in schemas if id(s) == key)) for key, path in reversed(first.items())]
    per_file = [(path, schema, _file_features(schema)) for path, schema in distinct]
    declared = declared or Features()
    problems = dict(problems)
    fields, features = [], dict(declared)
    for name in dict.fromkeys(name for _, schema, _ in per_file for name in schema.names):
        kind, problem = _join_column(name, [(path, schema) for path, schema, _ in per_file])
        fields.append(pa.field(name, kind))
        found = [(path, features_of_file.get(name)) for path, schema, features_of_file in per_file]
        feature, disagreement = _join_features(name, kind, declared.get(name), found)
        if feature is not None:
            features[name] = feature
        for reason in (problem, disagreement):
            if reason:
                problems.setdefault(name, reason)
    return JoinedSchema(pa.schema(fields), Features(features), problems)


def unique_schemas(schemas: Sequence[pa.Schema]) -> tuple[pa.Schema, ...]:
    """Return the same schemas, equal ones as one object."""
    kept: list[pa.Schema] = []
    for schema in schemas:
        if not any(schema.equals(one, check_metadata=True) for one in kept):
            kept.append(schema)
    return tuple(next(one for one in kept if schema.equals(one, check_metadata=True)) for schema in schemas)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column's values without how they are stored: no extensions, dictionaries or views.

    >>> plain_type(pa.dictionary(pa.int8(), pa.large_string()))
    DataType(string)
    """
    while isinstance(kind, (pa.BaseExtensionType, pa.DictionaryType)):
        kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind) or pa.types.is_large_binary(kind):
        return pa.binary()
    return pa.float32() if pa.types.is_float16(kind) else kind


def holds_images(kind: pa.DataType) -> bool:
    """Return whether a column of this type may hold encoded images: bytes, or a struct with `bytes`."""
    kind = plain_type(kind)
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        inner = plain_type(kind.field("bytes").type)
        return pa.types.is_binary(inner) or pa.types.is_null(inner)
    return pa.types.is_binary(kind)


def join_types(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type of a column that is stored as `one` here and as `other` there; None if that is not safe.

    >>> join_types(pa.int32(), pa.float64()), join_types(pa.null(), pa.string()), join_types(pa.int64(), pa.string())
    (DataType(double), DataType(string), None)
    """
    one, other = plain_type(one), plain_type(other)
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if _is_number(one) and _is_number(other):
        if not (pa.types.is_integer(one) and pa.types.is_integer(other)):
            return pa.float64()
        both_unsigned = pa.types.is_unsigned_integer(one) and pa.types.is_unsigned_integer(other)
        return pa.uint64() if both_unsigned else pa.int64()
    if holds_images(one) and holds_images(other):
        # A struct with a path says more than one without, and that more than bytes.
        return max(one, other, key=lambda kind: (kind.num_fields, str(kind)))
    return None


def describe_type(kind: pa.DataType) -> str:
    """Return a type's name, cut if it is long."""
    text = " ".join(str(kind).split())
    return text if len(text) <= MAX_TYPE_CHARACTERS else f"{text[: MAX_TYPE_CHARACTERS - 1]}…"


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _join_column(name: str, files: Sequence[tuple[str, pa.Schema]]) -> tuple[pa.DataType, str | None]:
    """Return one column's type, and a sentence if the files do not agree on it."""
    holders = [
        (path, schema.field(schema.get_all_field_indices(name)[0]).type)
        for path, schema in files
        if name in schema.names
    ]
    first_path, kind = holders[0]
    for path, schema in files:
        if schema.names.count(name) > 1:
            return kind, f"{path} has several columns called {name!r}"
        if name not in schema.names:
            return kind, (
                f"{path} has no column {name!r}, {first_path} has one; the files of a split need the same columns; "
                f"found: {list_some(schema.names)}"
            )
    joined = kind
    for path, other in holders[1:]:
        wider = join_types(joined, other)
        if wider is None:
            against = next((p, k) for p, k in holders if join_types(k, other) is None)
            return kind, (
                f"column {name!r} holds {describe_type(against[1])} in {against[0]} and {describe_type(other)} in "
                f"{path}: write it with the same type in all files"
            )
        joined = wider
    return plain_type(joined), None


def _join_features(
    name: str, kind: pa.DataType, declared: Any, found: Sequence[tuple[str, Any]]
) -> tuple[Any, str | None]:
    """Return what a column means, and a sentence if that is not certain.

    Args:
        name: of the column.
        kind: its joined type.
        declared: by the README; it wins, but for the order of class names.
        found: path and feature of each file; a file whose column is empty says nothing.
    """
    said = [
        (path, feature) for path, feature in found if feature is not None and getattr(feature, "dtype", "") != "null"
    ]
    labels = [(path, feature.names) for path, feature in said if isinstance(feature, ClassLabel)]
    longest: list[str] = max((names for _, names in labels), key=len, default=[])
    for path, names in labels:
        if names != longest[: len(names)]:
            other = next(p for p, n in labels if n == longest)
            return declared, _class_disagreement(name, (path, names), (other, longest))
    if isinstance(declared, ClassLabel):
        if labels and declared.names != longest and sorted(declared.names) == sorted(longest):
            return declared, _class_disagreement(name, (labels[0][0], longest), ("README.md", declared.names))
        return declared, None
    if isinstance(declared, Image):
        return declared, None
    if labels:
        plain = next((path for path, feature in said if not isinstance(feature, ClassLabel)), None)
        if plain:
            return ClassLabel(names=longest), (
                f"column {name!r} holds ids of the classes {list_some(longest)} in {labels[0][0]}, and in {plain} "
                "values without class names: write all files with the same features"
            )
        return ClassLabel(names=longest), None
    if any(isinstance(feature, Image) for _, feature in said) and holds_images(kind):
        return Image(), None
    return _feature_of_type(kind), None


def _class_disagreement(name: str, one: tuple[str, list[str]], other: tuple[str, list[str]]) -> str:
    return (
        f"the classes of column {name!r} are {list_some(one[1])} in {one[0]} and {list_some(other[1])} in {other[0]}: "
        "the same id means another class; write all files with the same class names"
    )


def _file_features(schema: pa.Schema) -> dict[str, Any]:
    """Return what a file's own metadata and types say about its columns; None where `datasets` has no name for it."""
    declared: Any = {}
    with suppress(*UNKNOWN_FEATURE_ERRORS):
        declared = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    features = {}
    for field in schema:
        feature = None
        with suppress(*UNKNOWN_FEATURE_ERRORS):
            feature = Features.from_dict({field.name: declared[field.name]})[field.name]
        is_label = isinstance(feature, ClassLabel) and pa.types.is_integer(plain_type(field.type))
        is_image = isinstance(feature, Image) and holds_images(field.type)
        features[field.name] = feature if is_label or is_image else _feature_of_type(field.type)
    return features


def _feature_of_type(kind: pa.DataType) -> Any:
    with suppress(*UNKNOWN_FEATURE_ERRORS):
        return Features.from_arrow_schema(pa.schema([pa.field("column", kind)]))["column"]
    with suppress(*UNKNOWN_FEATURE_ERRORS):
        return Features.from_arrow_schema(pa.schema([pa.field("column", plain_type(kind))]))["column"]
    return None
