"""Files of a model's folder are regular files in it, or blobs of the Hub's cache, also while somebody changes it."""

import os
import sys
from pathlib import Path

import pytest

from model import ModelError
from model.artifacts import MAX_FILE_BYTES
from model.io import files
from model.io.files import check_folder, copy_file, open_file, read_file

NAME = "README.md"
BLOB = "d7edf6bd2a681fb0175f7735299831ee1b22b812"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("hf_secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / BLOB).write_text("hf_secret")
    return tmp_path / "archive" / "snapshots" / "m"


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("links", "what"),
    [
        ({NAME: "/etc/passwd"}, "absolute"),
        ({NAME: "../../../secret"}, "relative"),
        ({NAME: "b", "b": "c", "c": "../../../secret"}, "chain"),
        ({NAME: f"../../blobs/{BLOB}", "../../blobs": "../secrets"}, "the room of blobs is a link"),
        ({NAME: f"../../blobs/{BLOB}", f"../../blobs/{BLOB}": "../../secret"}, "the blob is a link"),
        ({NAME: f"../../../blobs/{BLOB}", "../../../blobs": "secrets"}, "the room of all repos is a link"),
        ({NAME: "../../blobs/id_rsa", "../../blobs/id_rsa": "../../secret"}, "a blob with a person's name"),
        ({NAME: "../../blobs/../../secret"}, "out of the blobs"),
    ],
)
def test_open_file_link_out_of_the_folder_is_refused(folder, links, what):
    for name, target in links.items():
        link(Path(os.path.normpath(folder / name)), target)
    for read in (open_file, read_file, lambda folder, name: copy_file(folder, name, folder / "copy")):
        with pytest.raises(ModelError, match="is a link out of its folder"):
            read(folder, NAME)
    with pytest.raises(ModelError, match="is a link out of its folder"):
        check_folder(folder)


def test_open_file_regular_blob_with_another_name_than_a_hash_is_refused(folder):
    """The folder next to an unpacked archive may be a person's own."""
    link(folder / NAME, "../../blobs/id_rsa")
    (folder.parents[1] / "blobs").mkdir()
    (folder.parents[1] / "blobs" / "id_rsa").write_text("hf_secret")
    with pytest.raises(ModelError, match="is a link out of its folder"):
        read_file(folder, NAME)


@pytest.mark.parametrize("blob", [f"../../blobs/{BLOB}", f"../../../blobs/d7/{BLOB}000000000000000000000000"])
def test_read_file_blob_of_the_hubs_cache_is_read(folder, blob):
    link(folder / NAME, blob)
    target = Path(os.path.normpath(folder / blob))
    target.parent.mkdir(parents=True)
    target.write_text("card")
    assert read_file(folder, NAME) == b"card"


def test_read_file_link_within_the_folder_is_read(folder):
    link(folder / NAME, "docs/card.md")
    (folder / "docs").mkdir()
    (folder / "docs" / "card.md").write_text("card")
    assert read_file(folder, NAME) == b"card"
    assert copy_file(folder, "docs/card.md", folder / "copy")
    assert (folder / "copy" / "docs" / "card.md").read_text() == "card"


@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "missing", "link to the folder", "file as a folder"])
def test_open_file_what_is_no_regular_file_is_none(folder, kind, monkeypatch):
    folder.mkdir(parents=True)
    name = NAME
    if kind == "pipe":
        os.mkfifo(folder / NAME)
    elif kind == "folder":
        (folder / NAME).mkdir()
    elif kind == "socket":
        import socket

        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(NAME)
        assert read_file(folder, "onnx/model.onnx") is None
        return
    elif kind == "link to the folder":
        link(folder / NAME, ".")
    elif kind == "file as a folder":
        (folder / "onnx").write_text("")
        name = "onnx/model.onnx"
    descriptors = len(os.listdir("/dev/fd"))
    assert open_file(folder, name) is None and not copy_file(folder, name, folder / "copy")
    assert len(os.listdir("/dev/fd")) == descriptors


@pytest.mark.skipif(not files.HAS_SAFE_OPEN, reason="this system cannot open below a folder")
@pytest.mark.parametrize("name", [NAME, "onnx/model.onnx"])
def test_open_file_replaced_by_a_link_after_the_check_is_refused(folder, name, monkeypatch):
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text("good")
    find = files.find_file

    def replaced(*arguments: object) -> object:
        found = find(*arguments)  # the check; then somebody is faster
        if name == NAME:
            path.unlink()
            link(path, "../../../secret")
        else:
            path.parent.rename(folder / "old")
            (folder.parents[2] / "model.onnx").write_text("hf_secret")
            link(path.parent, "../../..")
        return found

    monkeypatch.setattr(files, "find_file", replaced)
    try:
        assert open_file(folder, name) is None
    except OSError as error:
        assert "Too many levels of symbolic links" in str(error)


@pytest.mark.parametrize("size", [MAX_FILE_BYTES[NAME] + 1, 10**12])
def test_read_file_too_large_is_refused_before_it_is_read(folder, size):
    folder.mkdir(parents=True)
    (folder / NAME).touch()
    os.truncate(folder / NAME, size)
    with pytest.raises(ModelError, match=f"README.md has {size:,} bytes; at most 1,048,576 are read"):
        read_file(folder, NAME)


def test_read_file_that_grows_is_read_to_its_limit_only(folder, monkeypatch):
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b" " * (1 << 20))
    opened = files.open_file

    def grown(*arguments: object) -> object:
        file = opened(*arguments)
        os.truncate(folder / NAME, 10**12)
        return file

    monkeypatch.setattr(files, "open_file", grown)
    with pytest.raises(ModelError, match="README.md has more than 1,048,576 bytes"):
        read_file(folder, NAME)
