"""Which column holds the images; images in another form are named with what to do."""

import base64

import numpy as np
import pyarrow as pa
import pytest

from model.errors import TrazoError
from tests.support.datasets import IMAGE_STRUCT, image_structs, random_images, write_tables
from training.stream import HubStream

ROWS = 6
IMAGES = random_images(ROWS, (28, 28))
LABEL = {"label": pa.array([0, 1] * 3)}
PIXELS = np.random.default_rng(0).integers(0, 256, (ROWS, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            pa.array([f"https://example.org/{i}.jpg" for i in range(ROWS)]),
            "addresses such as 'https://example.org/0",
        ),
        (pa.array(["s3://bucket/a"] * ROWS).dictionary_encode(), "addresses such as 's3://bucket/a'"),
        (pa.array([base64.b64encode(image).decode() for image in IMAGES]), "base64 text such as 'iVBORw0KGgo"),
        (
            pa.array([f"data:image/png;base64,{base64.b64encode(IMAGES[0]).decode()}"] * ROWS),
            "base64 text such as 'data:",
        ),
        (pa.array([f"images/{i}.JPG" for i in range(ROWS)]), r"names of files such as 'images/0.JPG'.*metadata.csv"),
        (pa.array(PIXELS.tolist(), pa.list_(pa.list_(pa.uint8()))), "lists of numbers of 28 x 28, not encoded images"),
        (pa.array(PIXELS.reshape(ROWS, -1).tolist()), "lists of numbers of 784, not"),
        (pa.array(PIXELS.reshape(ROWS, -1).tolist(), pa.list_(pa.float32(), 784)), "lists of numbers of 784, not"),
        (pa.FixedShapeTensorArray.from_numpy_ndarray(PIXELS), "lists of numbers of 784, not"),
        (
            pa.array([[{"bytes": image, "path": None}] for image in IMAGES], pa.list_(IMAGE_STRUCT)),
            "lists of images; store",
        ),
        (pa.array([[image] for image in IMAGES]), "lists of images; store one image per row"),
    ],
)
def test_choose_image_column_images_in_another_form_are_named(tmp_path, values, message):
    folder = write_tables(tmp_path, {"image": values, **LABEL})
    for options in ({}, {"image_column": "image"}):
        with pytest.raises(TrazoError, match=f"'image'.* holds .*{message}") as raised:
            HubStream(folder, **options)
        assert "\n" not in str(raised.value) and len(str(raised.value)) < 500


@pytest.mark.parametrize("name", ["pixel{}", "{}x1", "px_{:03}"])
def test_choose_image_column_columns_of_pixels_are_named_and_cut(tmp_path, name):
    columns = {name.format(k): PIXELS.reshape(ROWS, -1)[:, k] for k in range(784)}
    folder = write_tables(tmp_path, {"image": LABEL["label"], **columns, **LABEL})
    with pytest.raises(TrazoError, match="784 columns of numbers, .*look like pixels") as raised:
        HubStream(folder)
    assert len(str(raised.value)) < 400


def test_choose_image_column_paths_without_bytes_are_named(tmp_path):
    values = pa.array([{"bytes": None, "path": f"{i}.png"} for i in range(ROWS)], IMAGE_STRUCT)
    folder = write_tables(tmp_path, {"image": values, **LABEL})
    for has_files in (False, True):
        if has_files:
            for i, image in enumerate(IMAGES):
                (tmp_path / "data" / f"{i}.png").write_bytes(image * 9)  # more bytes than the Parquet file has
        with pytest.raises(TrazoError, match=r"no bytes and names files such as '0.png'.*metadata.csv"):
            HubStream(folder)


def test_choose_image_column_lone_column_of_encoded_bytes_is_taken(tmp_path):
    columns = {"image": pa.array(IMAGES), "thumbnail_hash": pa.array([b"\0\1\2"] * ROWS), **LABEL}
    assert HubStream(write_tables(tmp_path, columns)).image_column == "image"


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"image": pa.array([b"abc"] * ROWS)}, {}, "has no image column; its columns: image, label; choose with"),
        ({"image": LABEL["label"]}, {"image_column": "image"}, "column 'image' of .* holds int64, no images"),
        ({"image": image_structs(IMAGES)}, {"image_column": "photo"}, "no image column 'photo'; it has image"),
        ({"image": image_structs(IMAGES), "mask": image_structs(IMAGES)}, {}, r"2 image columns \(image, mask\)"),
        ({"image": pa.array([f"text {i}" for i in range(ROWS)])}, {}, "has no image column; its columns"),
    ],
)
def test_choose_image_column_none_or_several_are_one_line(tmp_path, columns, options, message):
    with pytest.raises(TrazoError, match=message):
        HubStream(write_tables(tmp_path, columns | LABEL), **options)


def test_choose_image_column_many_columns_are_cut(tmp_path):
    columns = {f"value{chr(97 + k % 26)}{chr(97 + k // 26)}": LABEL["label"] for k in range(300)}
    with pytest.raises(TrazoError, match="has no image column") as raised:
        HubStream(write_tables(tmp_path, {"image": LABEL["label"], **columns}))
    assert len(str(raised.value)) < 500
