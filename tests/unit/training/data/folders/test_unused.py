"""Files next to Parquet files that no split uses."""

import pytest

from tests.conftest import SAMPLE
from tests.support.folders import IMAGE, left_out, write_files
from training.stream import HubStream


def test_parquet_folder_files_of_no_split_are_counted_and_named(root, caplog):
    with open(f"{SAMPLE}/data/test-00000-of-00001.parquet", "rb") as file:
        rows = file.read()
    files = {f"data/{name}-00000-of-00001.parquet": rows for name in ("train", "test")}
    stream = HubStream(write_files(root, {**files, "README.md": "x"}))
    assert stream.source.folder is None
    extra = {"more/part.parquet": rows, "figure.png": IMAGE, "old.zip": b"x"}
    stream = HubStream(write_files(root, extra))
    assert stream.rows == 1000 and set(left_out(stream).values()) == {1} and len(left_out(stream)) == 3
    assert ".parquet files that belong to no split: 1 (more/part.parquet)" in caplog.text


@pytest.mark.parametrize("name", ["data.csv", "notes.jsonl", "captions.txt"])
def test_image_folder_text_next_to_images_does_not_matter(root, name):
    """One text of many bytes must not make the folder one of tables."""
    stream = HubStream(write_files(root, {"a": 3, "b": 3, name: "text,label\n" * 9999, f"a/{name}": "x,y"}))
    assert stream.labels == ("a", "b") and stream.rows == 6


def test_parquet_folder_files_of_other_configs_are_not_counted(root):
    with open(f"{SAMPLE}/data/test-00000-of-00001.parquet", "rb") as file:
        rows = file.read()
    readme = "---\nconfigs:\n- config_name: a\n  data_files: a/*\n- config_name: b\n  data_files: b/*\n---\n"
    folder = write_files(root, {"README.md": readme, "a/0.parquet": rows, "b/0.parquet": rows})
    assert HubStream(folder, config="a").source.folder is None
