"""A dataset's files are its own: a README, a table or a link cannot make other files part of it."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from model import TrazoError
from tests.support.folders import write_files
from tests.support.images import drawing, encode_image
from training.data.folders.inside import check_declared_files, check_files, named_files
from training.data.parquet.source import open_source
from training.data.provenance import dataset_card

OUTSIDE = [
    "../private/train.parquet",
    "data/../../private/*.parquet",
    "/home/victim/**",
    "~/photos/*.jpg",
    "C:\\photos\\*",
    "..\\private\\x.csv",
    "http://evil.example/train.parquet",
    "https://evil.example/*.csv",
    "hf://datasets/someone/private/train.parquet",
    "s3://bucket/x.parquet",
    "file:///etc/passwd",
    "zip://x.csv::../private.zip",
    "FILE:///etc/passwd",
]


def declare(folder: Path, configs: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n# Digits\n")
    return folder


def shapes(pattern: str) -> list[object]:
    """Return the forms in which a README may name data files."""
    return [
        [{"config_name": "default", "data_files": pattern}],
        [{"config_name": "default", "data_files": ["ok.csv", pattern]}],
        [{"config_name": "a", "data_files": "ok.csv"}, {"config_name": "b", "data_files": {"train": [pattern]}}],
        [{"config_name": "default", "data_files": [{"split": "train", "path": ["ok.csv", pattern]}]}],
        [{"config_name": "default", "data_dir": pattern}],
    ]


@pytest.mark.parametrize("pattern", OUTSIDE)
def test_readme_that_names_files_elsewhere_is_refused_in_one_sentence(tmp_path, pattern):
    for configs in shapes(pattern):
        folder = declare(tmp_path / "data", configs)
        with pytest.raises(TrazoError, match="README.md names .*, which lies outside of it: copy the file into it$"):
            check_declared_files(str(folder))


def test_readme_substitute_is_read_as_well(tmp_path):
    (tmp_path / ".huggingface.yaml").write_text(yaml.safe_dump({"configs": shapes("../x.csv")[0]}))
    with pytest.raises(TrazoError, match="huggingface.yaml names '../x.csv'"):
        check_declared_files(str(tmp_path))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_readme_line_ends_do_not_matter(tmp_path, ending):
    declare(tmp_path, shapes("../x.csv")[0])
    text = (tmp_path / "README.md").read_text()
    (tmp_path / "README.md").write_bytes(text.replace("\n", ending).encode())
    with pytest.raises(TrazoError, match=r"names '../x.csv'"):
        check_declared_files(str(tmp_path))


@pytest.mark.parametrize(
    "front",
    [
        "",
        "configs: 3",
        "configs: [3, {config_name: a}]",
        "configs: [{data_files: data/train-*.parquet, data_dir: a..b}]",
        "configs: [{data_files: [{split: train, path: 'x[0-9]/*..png'}]}]",
        "a: [",
        "!!python/object/apply:os.system ['true']",
        "configs: &a [*a]",  # names itself
        # Each name stands for nine of the one before.
        "\n".join(["a0: &a0 x", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))])
        + "\nconfigs: [{data_files: *a11}]",
    ],
)
def test_readme_that_names_own_files_or_none_is_not_refused(tmp_path, front):
    (tmp_path / "README.md").write_text(f"---\n{front}\n---\n")
    check_declared_files(str(tmp_path))


@pytest.mark.parametrize(
    "front",
    [
        "[" * 2_000,  # deeper than Python's stack
        "configs: " + "{a: " * 5_000,
        "\n".join(["a0: &a0 x", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60))]),
        "pretty_name: [x]\nlicense: {}",
        "a: b\n" * 300_000,
        "- a list",
    ],
    ids=["deep lists", "deep objects", "repeated", "no texts", "too long", "a list"],
)
def test_readme_of_any_form_next_to_images_ends_nothing(tmp_path, monkeypatch, front):
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "images"
    write_files(folder, {"cat": 2, "dog": 2, "README.md": f"---\n{front}\n---\n"})
    source = open_source(str(folder), "train")
    assert source.table.total == 4 and dataset_card(source) == {}


def test_readme_too_long_is_refused(tmp_path):
    (tmp_path / "README.md").write_text("---\n" + "a: b\n" * 300_000 + "---\n")
    with pytest.raises(TrazoError, match=r"README.md has 1,500,00\d bytes; at most 1,048,576 are read"):
        check_declared_files(str(tmp_path))


def test_check_files_of_a_folder(tmp_path):
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for place in (folder, elsewhere):
        place.mkdir()
        (place / "x.csv").touch()
    (folder / "link.csv").symlink_to(elsewhere / "x.csv")
    (folder / "linked").symlink_to(elsewhere)
    (tmp_path / "other name").symlink_to(folder)
    own = [f"{folder}/x.csv", f"zip://a/b.png::{folder}/x.csv", f"{tmp_path}/other name/x.csv"]
    check_files(str(folder), "a row", own)
    for path in (
        f"{elsewhere}/x.csv",
        f"{folder}/link.csv",
        f"{folder}/linked/x.csv",
        f"{folder}/../elsewhere/x.csv",
        f"http://evil.example/a::{folder}/x.csv",
        f"zip://a::{elsewhere}/x.csv",
        "http://evil.example/x.csv",
        "x.csv",
        "x\0",
    ):
        with pytest.raises(TrazoError, match="is refused: a row names"):
            check_files(str(folder), "a row", [path])


def test_check_files_of_a_repo():
    own = "hf://datasets/owner/name@" + "a" * 40
    check_files("owner/name", "a row", [f"{own}/x.csv", f"zip://1.png::{own}/x.zip"], on_hub=True)
    for path in ("/etc/passwd", "x.png", "hf://datasets/owner/other@main/x.csv", f"{own}/../x.csv", "http://x/y.png"):
        with pytest.raises(TrazoError, match="is refused: a row names"):
            check_files("owner/name", "a row", [path], on_hub=True)


def test_named_files_are_those_without_their_bytes():
    rows = {
        "image": [{"bytes": b"x", "path": "a"}, {"bytes": None, "path": "b"}, None, {"path": "c"}],
        "pages": [[{"bytes": None, "path": "d"}], {"deep": {"bytes": None, "path": "e"}}],
        "text": ["/etc/passwd"],
    }
    assert sorted(named_files(rows)) == ["b", "c", "d", "e"]


def test_open_source_with_rows_that_name_files_of_the_machine_is_refused(tmp_path):
    """`datasets` would read them, and put them into the copy."""
    (tmp_path / "private.png").write_bytes(encode_image(drawing()))
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [{"image": str(tmp_path / "private.png"), "label": 1}]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    features = [{"name": "image", "dtype": "image"}, {"name": "label", "dtype": "int64"}]
    info = {"dataset_info": {"features": features, "splits": [{"name": "train"}]}}
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(info)}---\n")
    with pytest.raises(TrazoError, match=r"a row names '.*private.png', which lies outside of it"):
        open_source(str(folder), "train")


def test_open_source_parquet_behind_a_link_is_refused(tmp_path):
    table = pa.table({"image": [encode_image(drawing())] * 4, "label": [0, 1, 0, 1]})
    pq.write_table(table, tmp_path / "private.parquet")
    folder = tmp_path / "data"
    folder.mkdir()
    os.symlink(tmp_path / "private.parquet", folder / "train.parquet")
    with pytest.raises(TrazoError, match=r"a link or README.md names '.*train.parquet', which lies outside of it"):
        open_source(str(folder), "train")
