"""Which column of a dataset holds the images; if none does, what it holds instead and what to do."""

import re
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Image

from model.errors import TrazoError
from model.image_formats import HEAD_BYTES, find_format
from training.data.folders import kinds
from training.data.folders.report import list_some
from training.data.label_values import scan_column
from training.data.order import Run
from training.data.parquet.schema import describe_type, holds_images, plain_type
from training.data.parquet.source import ParquetSplit

MIN_PIXEL_COLUMNS = 16
MAX_SAMPLE_CHARACTERS = 50  # of a value, in a message
SAMPLE_ROWS = 100  # in which a value is looked for
BASE64 = re.compile(r"(data:image/[\w.+-]+;base64,)?[A-Za-z0-9+/_-]{32,}={0,2}\s*")
EMBED = "store the bytes of the image files in it (PNG, JPEG, …)"
FOLDER = "or bring a folder of images with a metadata.csv (columns file_name and label)"


def choose_image_column(source: ParquetSplit, name: str | None = None) -> str:
    """Return the column of images.

    Args:
        source: the split.
        name: of the column, if the user says it.

    Raises:
        TrazoError: if it holds no images, or is not certain; the text says what was found and what to do.
    """
    if name is None:
        name = _find_image_column(source)
    elif name not in source.schema.names and name not in source.features:
        known = list_some(_image_columns(source)) or "none"
        raise TrazoError(
            f"{source.dataset!r} has no image column {name!r}; it has {known}; its columns: {_columns(source)}"
        )
    kind = source.column_type(name)
    if not holds_images(kind):
        found = describe_other_images(source, name) or f"holds {describe_type(kind)}, no images"
        raise TrazoError(f"column {name!r} of {source.dataset!r} {found}")
    if pa.types.is_struct(kind) and source.is_empty(f"{name}.bytes"):
        path = _sample(source, name, "path")
        if path is not None:
            raise TrazoError(
                f"column {name!r} of {source.dataset!r} holds no images: it has no bytes and names files such as "
                f"{_cut(path)}, which are not read; {EMBED}, {FOLDER}"
            )
    return name


def bytes_column(source: ParquetSplit, name: str, run: Run) -> str:
    """Return the name under which a run's file stores the bytes of an image column."""
    return f"{name}.bytes" if pa.types.is_struct(source.column_type(name, run)) else name


def image_bytes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the encoded images of a column's values, large_binary; null where there is none."""
    return (pc.struct_field(values, "bytes") if pa.types.is_struct(values.type) else values).cast(pa.large_binary())


def _find_image_column(source: ParquetSplit) -> str:
    """Return the only column that is declared to hold images, or that is stored like images."""
    images = _image_columns(source)
    if len(images) == 1:
        return images[0]
    if images:
        raise TrazoError(
            f"{source.dataset!r} has {len(images)} image columns ({list_some(images)}); choose with --image-column; "
            f"its columns: {_columns(source)}"
        )
    for name in source.schema.names:
        if name not in source.problems and (found := describe_other_images(source, name)):
            raise TrazoError(f"{source.dataset!r} has no image column: column {name!r} {found}")
    if pixels := _pixel_columns(source.schema):
        raise TrazoError(
            f"{source.dataset!r} has no image column: it has {len(pixels):,} columns of numbers, {pixels[0]} … "
            f"{pixels[-1]}, which look like pixels; store those of each row as one encoded image (PNG) in one column"
        )
    raise TrazoError(
        f"{source.dataset!r} has no image column; its columns: {_columns(source)}; choose with --image-column"
    )


def _image_columns(source: ParquetSplit) -> list[str]:
    """Return the columns that are declared as images; else those stored like them; else bytes that begin like them."""
    features = [name for name, feature in source.features.items() if isinstance(feature, Image)]
    stored = [field.name for field in source.schema if holds_images(field.type)]
    structs = [name for name in stored if pa.types.is_struct(source.schema.field(name).type)]
    if features or structs:
        return features or structs
    return [name for name in stored if name not in source.problems and _begins_like_image(_sample(source, name))]


def describe_other_images(source: ParquetSplit, name: str) -> str | None:
    """Return what a column holds that looks like images in another form, and what to do; None if it does not.

    The first value of the column is read if its type leaves that open.
    """
    kind = plain_type(source.schema.field(name).type)
    if pa.types.is_string(kind):
        return _describe_text(str(_sample(source, name) or ""))
    depth, inner = 0, kind
    while pa.types.is_list(inner) or pa.types.is_large_list(inner) or pa.types.is_fixed_size_list(inner):
        depth, inner = depth + 1, plain_type(inner.value_type)
    if depth and holds_images(inner):
        return "holds lists of images; store one image per row"
    is_number = pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_boolean(inner)
    if depth and is_number:
        size = _size(_sample(source, name))
        if depth == 1 and size and size[0] < MIN_PIXEL_COLUMNS:
            return None
        shape = f" of {' x '.join(f'{n:,}' for n in size)}" if size else ""
        return f"holds lists of numbers{shape}, not encoded images; {EMBED}"
    return None


def _describe_text(text: str) -> str | None:
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return f"holds addresses such as {_cut(text)}; download the images and {EMBED}"
    if text.startswith("data:image/") or (len(text) >= 64 and BASE64.fullmatch(text)):
        return f"holds images as base64 text such as {_cut(text)}; decode it and {EMBED}"
    if kinds.ending(text) in kinds.IMAGES:
        return f"holds names of files such as {_cut(text)}, which are not read; {EMBED}, {FOLDER}"
    return None


def _pixel_columns(schema: pa.Schema) -> list[str]:
    """Return columns of numbers whose names count the pixels, such as pixel0 to pixel783 or 1x1 to 28x28."""
    numbered = [field.name for field in schema if re.search(r"\d", field.name) and pa.types.is_primitive(field.type)]
    numbered.sort(key=lambda name: re.sub(r"\d+", "#", name))
    groups = [list(group) for _, group in groupby(numbered, key=lambda name: re.sub(r"\d+", "#", name))]
    largest = max(groups, key=len, default=[])
    return largest if len(largest) >= MIN_PIXEL_COLUMNS else []


def _sample(source: ParquetSplit, name: str, child: str | None = None) -> object:
    """Return the first value of a column, or of a field of a struct, that is not missing; None if there is none."""
    for values in scan_column(source, name, SAMPLE_ROWS):
        for value in values.slice(0, SAMPLE_ROWS).to_pylist():
            found = value.get(child) if child and value else value
            if found is not None:
                return found
    return None


def _size(value: object) -> tuple[int, ...]:
    size: tuple[int, ...] = ()
    while isinstance(value, list):
        size, value = (*size, len(value)), value[0] if value else None
    return size


def _begins_like_image(value: object) -> bool:
    return isinstance(value, bytes) and find_format(value[:HEAD_BYTES]) is not None


def _cut(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= MAX_SAMPLE_CHARACTERS else f"{text[:MAX_SAMPLE_CHARACTERS]}…")


def _columns(source: ParquetSplit) -> str:
    return list_some(source.schema.names)
