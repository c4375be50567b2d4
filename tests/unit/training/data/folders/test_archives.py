"""Zip and tar archives, given or in a folder."""

import io
import tarfile
import zipfile

import pytest

from model.errors import TrazoError
from tests.support.datasets import random_images
from tests.support.folders import IMAGE, left_out, write_files
from training.data.folders import archives
from training.stream import HubStream

FIRST, SECOND = random_images(2)
CLASSES = {"cat/1.png": FIRST, "cat/2.JPG": FIRST, "dog/1.png": SECOND, "dog/2.png": IMAGE}
SPLITS = {f"{split}/{name}": content for split in ("train", "test") for name, content in CLASSES.items()}


def pack(path, files):
    """Write an archive of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    kind = {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix.lower(), "")
    with tarfile.open(path, f"w:{kind}") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def contents(stream):
    """Return class -> images, of all rows."""
    found = {name: [] for name in stream.labels}
    for batch in stream.ordered():
        for image, label in zip(batch.images, batch.labels, strict=True):
            found[stream.labels[label]].append(image)
    return found


@pytest.mark.parametrize("name", ["data.zip", "a b.tar", "x.tar.gz", "y.TGZ", "z.tar.xz", "w.tar.bz2", "DATA.ZIP"])
@pytest.mark.parametrize("top", ["", "pictures/", "./", "a/b/"])  # words: ok
def test_archive_given_or_in_a_folder_is_read(root, name, top):
    path = pack(root / name, {f"{top}{file}": content for file, content in CLASSES.items()})
    for dataset in (root, path):
        stream = HubStream(str(dataset))
        assert contents(stream) == {"cat": [FIRST, FIRST], "dog": [SECOND, IMAGE]} and stream.source.splits == (
            "train",
        )


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
@pytest.mark.parametrize("inner", ["", "train/", "images/"])
def test_archive_per_split_is_a_split(root, ending, inner):
    for split in ("train", "test"):
        files = {f"{inner.replace('train', split)}{name}": content for name, content in CLASSES.items()}
        pack(root / f"{split}{ending}", files)
    assert HubStream(str(root), "test").source.splits == ("train", "test")
    assert contents(HubStream(str(root))) == {"cat": [FIRST, FIRST], "dog": [SECOND, IMAGE]}


def test_archive_with_splits_in_it_has_splits(root):
    stream = HubStream(str(pack(root / "data.zip", SPLITS)), "test")
    assert stream.source.splits == ("train", "test") and stream.rows == 4


@pytest.mark.parametrize("inner", [("", ""), ("cat/", ""), ("images/", "images/")])
def test_archive_per_class_is_a_class(root, inner):
    pack(root / "cat.zip", {f"{inner[0]}{n}.png": FIRST for n in range(2)})
    pack(root / "dog.tar", {f"{inner[1]}{n}.png": SECOND for n in range(2)})
    assert contents(HubStream(str(root))) == {"cat": [FIRST] * 2, "dog": [SECOND] * 2}


def test_archive_in_parts_is_one_dataset(root):
    for part in (1, 2):
        pack(root / f"part{part}.zip", {f"{name[:-4]}_{part}.png": content for name, content in CLASSES.items()})
    assert {name: len(images) for name, images in contents(HubStream(str(root))).items()} == {"cat": 4, "dog": 4}


def test_archive_next_to_what_was_unpacked_from_it_is_left_out(root):
    pack(root / "data.zip", CLASSES)
    stream = HubStream(write_files(root, CLASSES))
    assert stream.rows == 4 and left_out(stream) == {"archives whose images are next to them, unpacked": 1}
    pack(root / "bird.zip", {"1.png": FIRST + b"x"})  # another class
    assert HubStream(str(root)).labels == ("bird", "cat", "dog")


def test_archive_litter_and_companions_are_counted(root):
    extra = {"__MACOSX/cat/._1.png": b"x", "cat/.DS_Store": b"x", "cat/1.txt": b"x", "notes.pdf": b"x", "cat/": b""}
    stream = HubStream(str(pack(root / "data.zip", {**CLASSES, **extra})))
    assert stream.rows == 4 and left_out(stream) == {"hidden or system files": 2, ".txt files": 1, ".pdf files": 1}


def test_archive_metadata_is_read(root):
    text = b"file_name,label\n1.png,a\n2.png,b\n"
    stream = HubStream(str(pack(root / "data.zip", {"1.png": FIRST, "2.png": SECOND, "metadata.csv": text})))
    assert contents(stream) == {"a": [FIRST], "b": [SECOND]}


def test_archive_names_in_other_encodings_are_read(root):
    path = pack(root / "data.zip", {"cat\\1.png": FIRST, "b\u00e4r/1.png": SECOND})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\x00\x08\x08\x00", b"\x00\x00\x08\x00"))  # does not say that names are UTF-8
    assert HubStream(str(path)).labels == ("b\u00e4r", "cat")


def encrypt(path):
    content = bytearray(pack(path, CLASSES).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "found"),
    [
        ("a.zip", encrypt, r"a\.zip is encrypted \(cat/1\.png\): unpack it"),
        ("a.zip", lambda path: path.write_bytes(pack(path, CLASSES).read_bytes()[:-30]), "a.zip is damaged"),
        ("a.zip", lambda path: path.write_bytes(b"x" * 100), "a.zip is damaged, or not an archive: [^:;]+; download"),
        ("a.tar.gz", lambda path: path.write_bytes(pack(path, CLASSES).read_bytes()[:150]), "a.tar.gz is damaged"),
        ("a.tar", lambda path: path.write_bytes(pack(path, CLASSES).read_bytes()[:1800]), "a.tar is damaged"),
        ("a.tar", lambda path: path.write_bytes(b""), "a.tar is damaged"),
        (
            "a.zip",
            lambda path: pack(path, {"train.zip": b"x"}),
            r"holds no image .* 1 \.zip archives in an archive, .*\(a/train\.zip\)",
        ),
        ("a.tar", lambda path: pack(path, {"x/1.txt": b"x"}), r"holds no image .* 1 \.txt files"),
    ],
)
def test_archive_that_cannot_be_read_is_one_line(root, cache, name, damage, found):
    root.mkdir()
    damage(root / name)
    with pytest.raises(TrazoError, match=found) as caught:
        HubStream(str(root))
    assert "\n" not in str(caught.value) and not cache.exists()


@pytest.mark.parametrize("name", ["bird.rar", "bird.7z", "bird.tar.zst", "bird.zip.001", "bird.Z01", "bird.RAR"])
def test_archive_of_another_kind_next_to_classes_is_error(root, cache, name):
    folder = write_files(root, {**CLASSES, name: b"x" * 5000})
    with pytest.raises(
        TrazoError, match=r"class folders without .*: bird \(1 \.\S+ archives, which are not read: unpack"
    ):
        HubStream(folder)
    assert not cache.exists()
    (root / name).rename(root / "cat" / name)  # part of a class
    assert list(left_out(HubStream(folder)).values()) == [1]
    (root / "cat" / name).rename(root / f"dog{name[4:]}")  # the class is there
    assert list(left_out(HubStream(folder)).values()) == [1]


def test_archive_in_an_archive_is_not_a_class_that_vanishes(root):
    inner = pack(root / "bird.zip", {"1.png": FIRST}).read_bytes()
    (root / "bird.zip").unlink()
    pack(root / "all.tar", {**CLASSES, "bird.zip": inner})
    with pytest.raises(TrazoError, match=r"all/bird \(1 \.zip archives in an archive, which are not read: unpack"):
        HubStream(str(root))


def test_archive_of_a_split_that_is_not_read_is_error(root):
    folder = write_files(root, {**{f"train/{name}": content for name, content in CLASSES.items()}, "test.rar": b"x"})
    with pytest.raises(TrazoError, match=r"split folders without an image that can be used: test \(1 \.rar archives"):
        HubStream(folder)


def test_archive_damaged_member_is_one_skipped_row(root):
    path = root / "data.zip"
    root.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in CLASSES.items():
            archive.writestr(name, content)
    content = path.read_bytes()
    path.write_bytes(content.replace(SECOND, SECOND[:-1] + b"?", 1))
    stream = HubStream(str(path))
    assert contents(stream) == {"cat": [FIRST, FIRST], "dog": [IMAGE]} and stream.skipped == {2: "no image"}


def test_archive_member_that_grows_too_much_is_refused(root, monkeypatch):
    monkeypatch.setattr(archives, "MIN_CHECKED_BYTES", 1 << 16)
    bomb = {**CLASSES, "cat/bomb.png": bytes(1 << 20)}
    stream = HubStream(str(pack(root / "a.zip", bomb)))
    assert stream.rows == 4 and left_out(stream) == {"members that would grow more than 200 times": 1}
    with pytest.raises(TrazoError, match="a.tar.xz is refused: it would grow to more than 200 times its size"):
        HubStream(str(pack(root / "a.tar.xz", {**bomb, "cat/last.png": FIRST})))


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archive_whose_small_members_grow_too_much_together_is_refused(root, monkeypatch, cache, kind):
    monkeypatch.setattr(archives, "MIN_CHECKED_BYTES", 1 << 18)
    root.mkdir()
    with zipfile.ZipFile(root / "a.zip", "w", kind) as archive:
        for number in range(40):
            archive.writestr(f"cat/{number}.bmp", bytes(1 << 17))  # none of them is large
    with pytest.raises(TrazoError, match="a.zip is refused: it would grow to more than 200 times its size"):
        HubStream(str(root / "a.zip"))
    assert not list(cache.rglob("*.parquet"))


def test_archive_member_larger_than_the_bound_is_left_out(root, monkeypatch):
    monkeypatch.setattr("training.data.folders.plan.MAX_FILE_BYTES", 1 << 16)
    stream = HubStream(str(pack(root / "a.tar", {**CLASSES, "cat/large.png": bytes(1 << 17)})))
    assert stream.rows == 4 and sum(left_out(stream).values()) == 1


def test_archive_links_are_counted(root):
    path = pack(root / "a.tar", CLASSES)
    with tarfile.open(path, "a") as tar:
        info = tarfile.TarInfo("cat/link.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    assert left_out(HubStream(str(path))) == {"links and devices in archives": 1}


def test_archive_changed_is_read_again(root):
    path = pack(root / "a.zip", CLASSES)
    assert HubStream(str(path)).rows == 4
    assert HubStream(str(pack(path, {**CLASSES, "dog/3.png": FIRST}))).rows == 5


def test_webdataset_is_not_taken_for_class_folders(root):
    files = {
        f"{n:03}.{suffix}": value for n in range(6) for suffix, value in (("png", FIRST), ("cls", b"%d" % (n % 2)))
    }
    pack(root / "train-000.tar", files)
    assert HubStream(str(root)).labels == ("0", "1")
    # Captions next to the images of class folders are companions.
    captions = {f"{name}/{n}.{suffix}": FIRST for name in "ab" for n in range(2) for suffix in ("png", "txt")}
    (root / "train-000.tar").unlink()
    pack(root / "data.tar", captions)
    assert HubStream(str(root)).labels == ("a", "b")


def with_headers(path, headers):
    """Write a compressed tar whose first member has separate, long headers."""
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("cat/1.png")
        info.pax_headers = headers
        tar.addfile(info)
    return path


@pytest.mark.parametrize("given", [True, False])
def test_archive_tar_with_endless_headers_is_refused(root, given):
    """A kilobyte that unpacks to the text about one member: it would be held in memory, several times."""
    root.mkdir()
    path = with_headers(root / "a.tar.gz", {"comment": "x" * (8 << 20)})
    assert path.stat().st_size < 50_000
    with pytest.raises(TrazoError, match="lists its members in more bytes than any usual archive"):
        HubStream(str(path if given else root))


def test_archive_zip_with_endless_list_is_refused(root, monkeypatch):
    monkeypatch.setattr(archives, "MAX_LIST_BYTES", 1 << 16)
    path = pack(root / "a.zip", {f"{number:0500}.png": b"" for number in range(200)})
    with pytest.raises(TrazoError, match="lists its members in more bytes than any usual archive"):
        HubStream(str(path))


def test_archive_hostile_members_stay_within_it(root, tmp_path):
    """Names that lead out of it are names; links, devices and archives in it are counted and not followed."""
    (tmp_path / "secret.png").write_bytes(IMAGE)
    path = pack(root / "a.tar", {**CLASSES, "/dog/3.png": SECOND, "../../dog/4.png": SECOND, "dog/x.zip": b"PK"})
    with tarfile.open(path, "a") as tar:
        kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
        for number, kind in enumerate(kinds):
            info = tarfile.TarInfo(f"cat/{number}.png")
            info.type, info.linkname = kind, str(tmp_path / "secret.png")
            tar.addfile(info)
    stream = HubStream(str(path))
    assert contents(stream) == {"cat": [FIRST, FIRST], "dog": [SECOND, IMAGE, SECOND, SECOND]}
    inner = ".zip archives in an archive, which are not read: unpack them"
    assert left_out(stream) == {inner: 1, "links and devices in archives": len(kinds)}
