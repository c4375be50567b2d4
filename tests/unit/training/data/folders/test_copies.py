"""Streams of folders of images: what is used, what is reported, and when the copy is made."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from model.errors import TrazoError
from tests.conftest import SAMPLE
from tests.support.datasets import random_images
from tests.support.folders import IMAGE, POINTER, left_out, write_files
from tests.support.images import encode_image
from training.data.folders import copies, kinds, members, report
from training.data.parquet.source import SourceOptions, open_source
from training.stream import HubStream


def copied(cache):
    return [path for path in cache.glob("parquet/folder-*/*") if path.is_dir()]


@pytest.mark.parametrize("name", ["photo train 1.png", "IMG_val_0.png", "test.JPG", "dev.jpeg"])
def test_folder_words_in_file_names_do_not_matter(root, name):
    stream = HubStream(write_files(root, {"disc": 5, "square": 5, f"disc/{name}": IMAGE}))
    assert stream.rows == 11 and stream.labels == ("disc", "square") and stream.source.splits == ("train",)


@pytest.mark.parametrize("suffix", [".txt", ".json", ".xml", ".csv", ".md", ".npy", ".jpg.json", ".xyz", ""])
def test_folder_companions_are_counted_by_ending(root, suffix):
    files = {f"{name}/{number:03}{suffix}": "0 0.5 0.5" for name in ("disc", "square") for number in range(9)}
    stream = HubStream(write_files(root, {"disc": 5, "square": 5, **files, "notes/a.pdf": "x", "README.md": "x"}))
    assert stream.rows == 10 and stream.labels == ("disc", "square")
    reason = f"{suffix[suffix.rfind('.') :]} files" if suffix else "files without an ending"
    assert left_out(stream)[reason] == 18 + (suffix == ".md")


def test_folder_every_readable_ending_is_used(root, monkeypatch):
    monkeypatch.setattr(kinds, "can_read_heif", lambda: True)
    endings = ["jpg", "JPG", "jpeg", "jpe", "png", "PNG", "webp", "gif", "bmp", "tif", "TIFF", "avif", "heic", "heif"]
    endings += ["ppm", "pgm"]
    stream = HubStream(write_files(root, {f"{name}/1.{one}": IMAGE for one in endings for name in ("a", "b")}))
    assert stream.rows == 2 * len(endings) and left_out(stream) == {}
    # Of another ending or none, if the content is an image.
    stream = HubStream(write_files(root, {"a/n0144_17": IMAGE, "b/2.xyz": IMAGE, "b/3.xyz": b"no"}))
    assert stream.rows == 2 * len(endings) + 2 and left_out(stream) == {".xyz files": 1}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"bird/1.cr2": "raw", "bird/2.CR2": "raw"}, r"bird \(2 \.cr2 files\)"),
        ({"bird/1.jpg": POINTER}, r"bird \(1 pointers of Git LFS, not the files: run `git lfs pull`\)"),
        ({"bird/1.jpg": b""}, r"bird \(1 empty files \(0 bytes\)\)"),
        ({"bird": 0}, r"bird \(no files that can be read\)"),
        ({"bird/Thumbs.db": "x"}, r"bird \(no files that can be read\)"),
        ({"bird/1.txt": "x", "cat/000.txt": "x"}, r"bird \(1 \.txt files\)"),  # as next to the images of cat
    ],
)
def test_folder_class_without_usable_image_is_error(root, cache, files, found):
    with pytest.raises(TrazoError, match=f"class folders without an image that can be used: {found}"):
        HubStream(write_files(root, {"cat": 3, "dog": 3, **files}))
    assert not cache.exists()


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"train": 6, "test": 2}, "no class folders, split folders test, train, so there are no labels"),
        ({"": 6}, "the images lie in the folder itself"),
        ({"": 6, "labels.csv": "a,b"}, "labels in labels.csv are read only from a file called metadata.csv"),
        ({"cat": 3}, "the images lie in cat"),
        ({"a/1.cr2": "x", "b/1.cr2": "x"}, r"holds no image of a format that can be read .* 2 \.cr2 files"),
        ({"a/1.jpg": POINTER, "b/1.jpg": POINTER}, "all 2 images are pointers of Git LFS, .* `git lfs pull`$"),
    ],
)
def test_folder_without_labels_is_error_before_the_copy(root, cache, files, found):
    with pytest.raises(TrazoError, match=found):
        HubStream(write_files(root, files))
    assert not cache.exists()


def test_folder_heic_without_its_package_is_left_out_with_the_remedy(root, monkeypatch):
    monkeypatch.setattr(kinds, "can_read_heif", lambda: False)
    stream = HubStream(write_files(root, {"a": 2, "b": 2, "b/1.HEIC": IMAGE}))
    assert left_out(stream) == {"HEIC images; to read them, run `pip install pillow-heif`": 1}
    monkeypatch.setattr(kinds, "can_read_heif", lambda: True)  # installed since
    assert HubStream(str(root)).rows == 5


def test_folder_some_pointers_are_counted_and_named(root):
    stream = HubStream(write_files(root, {"cat": 3, "dog": 3, "cat/x.jpg": POINTER}))
    assert stream.rows == 6 and "pointers of Git LFS, not the files: run `git lfs pull`: 1 (cat/x.jpg)" in "".join(
        stream.source.folder.lines()
    )


def test_parquet_pointer_is_error(root):
    with pytest.raises(TrazoError, match=r"train-00000.parquet is one of the pointers of Git LFS, .* `git lfs pull`$"):
        HubStream(write_files(root, {"data/train-00000.parquet": POINTER, "figures/a.png": IMAGE}))


def test_folder_hidden_files_and_litter_are_counted(root):
    files = {name: "x" for name in ("cat/.DS_Store", "cat/Thumbs.db", "dog/desktop.ini", "cat/._000.png")}
    stream = HubStream(write_files(root, {"cat": 3, "dog": 3, **files, "__MACOSX/cat": 2, ".git/objects": 4}))
    assert stream.rows == 6 and left_out(stream) == {"hidden or system files": 4, "hidden or system folders": 2}
    assert "(.git with 4 images, __MACOSX with 2 images)" in "".join(stream.source.folder.lines())


def test_folder_that_is_a_link_to_nowhere_is_not_a_class_that_vanishes(root, tmp_path):
    folder = write_files(root, {"cat": 3, "dog": 3})
    os.symlink(tmp_path / "gone.png", root / "cat" / "gone.png")
    assert left_out(HubStream(folder)) == {"links that lead nowhere": 1}
    os.symlink(tmp_path / "gone", root / "bird")
    with pytest.raises(TrazoError, match=r"class folders .*: bird \(no files that can be read\)"):
        HubStream(folder)


@pytest.mark.parametrize("name", ["0.npy", "0.mp4", "0.mat", "0.svg"])
def test_folder_of_images_in_another_form_is_not_a_class_that_vanishes(root, name):
    folder = write_files(root, {"cat": 3, "dog": 3, "notes/0.txt": "x", "notes/0.json": "{}"})
    assert HubStream(folder).labels == ("cat", "dog")
    with pytest.raises(TrazoError, match=r"class folders .*: bird \(1 \.\w+ files\)"):
        HubStream(write_files(root, {f"bird/{name}": "x"}))


def test_file_that_is_no_archive_is_one_line(root):
    folder = write_files(root, {"1.png": IMAGE})
    with pytest.raises(TrazoError, match=r"1\.png' is a file, and neither a zip nor a tar archive: give a folder"):
        HubStream(f"{folder}/1.png")


def test_folder_links_are_followed_and_circles_are_not(root, tmp_path):
    write_files(tmp_path / "elsewhere", {"dog": 3, "1.png": IMAGE})
    write_files(root, {"cat": 3})
    os.symlink(tmp_path / "elsewhere" / "dog", root / "dog")
    os.symlink(tmp_path / "elsewhere" / "1.png", root / "cat" / "linked.png")
    os.symlink(root, root / "cat" / "again")
    os.symlink(tmp_path / "gone", root / "cat" / "gone.png")
    os.symlink(root, tmp_path / "link")
    stream = HubStream(str(tmp_path / "link"))
    assert stream.labels == ("cat", "dog") and stream.rows == 7
    assert left_out(stream) == {
        "linked folders that lead back to a folder above": 1,
        "links that lead nowhere": 1,
    }
    (note,) = stream.source.folder.notes
    assert note == "links that lead out of the folder are followed: dog, cat/linked.png"


def test_folder_names_in_other_encodings_are_read(root):
    write_files(root, {unicodedata.normalize("NFD", "café"): 2, "dog": 2})
    os.makedirs(os.fsencode(root) + b"/th\xe9")
    Path(os.fsdecode(os.fsencode(root) + b"/th\xe9/1.png")).write_bytes(IMAGE)
    assert HubStream(str(root)).labels == ("café", "dog", "thé")


def test_folder_rows_carry_content_label_and_file_name(root):
    images = random_images(6)
    stream = HubStream(write_files(root, {f"{'ab'[i % 2]}/{i}.png": image for i, image in enumerate(images)}))
    table = stream.sources[0].source.read((0, 1), ["image", "label"])
    assert table["image"].to_pylist() == [
        {"bytes": images[i], "path": f"{'ab'[i % 2]}/{i}.png"} for i in (0, 2, 4, 1, 3, 5)
    ]
    assert table["label"].to_pylist() == [0, 0, 0, 1, 1, 1] and stream.features["label"].names == ["a", "b"]


def test_folder_file_that_cannot_be_read_is_one_skipped_row(root, monkeypatch):
    write_files(root, {"a": 3, "b": 3})

    def refuse(path, mode):
        if path.endswith("a/001.png"):
            raise PermissionError(13, "Permission denied")
        return open(path, mode)

    monkeypatch.setattr(members, "open", refuse, raising=False)
    stream = HubStream(str(root))
    assert sum(len(batch.labels) for batch in stream.epoch(0)) == 5 and stream.skipped == {1: "no image"}


def test_folder_large_files_bound_row_groups_in_bytes(root):
    large = IMAGE + bytes(3 << 20)
    write_files(root, {"a": 150, **{f"b/{number}.png": large for number in range(5)}})
    assert HubStream(str(root)).source.table.rows.tolist() == [100, 52, 2, 1]


def test_folder_copy_has_no_statistics_of_images(root, cache):
    """For those of a file of 200 MB, the writer took 1.2 GB of memory."""
    HubStream(write_files(root, {"cat": 2, "dog": 2}))
    (path,) = cache.rglob("*.parquet")
    group = pq.read_metadata(path).row_group(0)
    has_statistics = {group.column(n).path_in_schema: group.column(n).is_stats_set for n in range(group.num_columns)}
    assert has_statistics == {"image.bytes": False, "image.path": False, "label": True}


def test_folder_file_that_shrinks_well_is_one_row_as_any_other(root, monkeypatch):
    """The rule against Parquet files that fill the memory is for those of others."""
    monkeypatch.setattr("training.data.parquet.source.MAX_RUN_BYTES", 1 << 16)
    monkeypatch.setattr("training.data.parquet.source.MIN_CHECKED_BYTES", 1 << 14)
    blank = encode_image(np.zeros((300, 300, 3), np.uint8), "BMP")
    files = {"cat/blank.bmp": blank, "cat/broken.jpg": bytes(1 << 19)}
    stream = HubStream(write_files(root, {**files, "cat": 2, "dog": 2}))
    batches = list(stream.ordered())
    assert sum(len(batch.labels) for batch in batches) == 6 and max(map(len, batches[0].images)) > 1 << 18


def test_folder_opened_again_keeps_copy_and_report(root, cache, caplog):
    folder = write_files(root, {"train/a": 3, "train/b": 3, "test/a": 2, "test/b": 2, "train/c.png": IMAGE})
    first = HubStream(folder)
    HubStream(folder, "test")
    assert len(copied(cache)) == 1 and caplog.text.count("images next to the class folders: 1 (train/c.png)") == 1
    report.log_once.cache_clear()
    caplog.clear()
    again = HubStream(folder)
    assert "is copied" not in caplog.text and "train/c.png" in caplog.text
    assert again.source.folder == first.source.folder and again.source.fingerprint == first.source.fingerprint
    assert again.source.folder.splits["test"].classes == {"a": 2, "b": 2}


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a" / "new.png").write_bytes(IMAGE),
        lambda root: (root / "a" / "000.png").unlink(),
        lambda root: (root / "a" / "000.png").rename(root / "b" / "x.png"),
        lambda root: os.utime(root / "a" / "000.png", (1, 1)),
    ],
)
def test_folder_changed_replaces_its_copy(root, cache, change):
    folder = write_files(root, {"a": 3, "b": 3})
    HubStream(folder)
    (before,) = copied(cache)
    change(root)
    HubStream(folder)
    (after,) = copied(cache)
    assert before != after


def test_folder_with_files_of_the_same_size_and_time_is_read_again(root):
    one, other = random_images(2)
    folder = write_files(root, {"a/1.png": one, "b/1.png": other})
    first = HubStream(folder).source.fingerprint
    times = (root / "a" / "1.png").stat().st_mtime_ns
    write_files(root, {"a/1.png": other, "b/1.png": one})  # of the same sizes
    for name in "ab":
        os.utime(root / name / "1.png", ns=(times, times))
    assert HubStream(folder).source.fingerprint != first


def test_folder_fingerprint_is_that_of_the_content(root):
    one, other = random_images(2)
    folder = write_files(root, {"a/1.png": one, "b/1.png": other})
    first = HubStream(folder).source.fingerprint
    os.utime(root / "a" / "1.png", (1, 1))
    assert HubStream(folder).source.fingerprint == first
    write_files(root, {"a/1.png": other, "b/1.png": one})  # of the same sizes
    assert HubStream(folder).source.fingerprint != first


def test_folder_copy_interrupted_leaves_nothing(root, cache, monkeypatch):
    folder = write_files(root, {"a": 3, "b": 3})

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(TrazoError, match=r"cannot be copied .*: the disk is full"):
        patch.setattr(copies, "_write_rows", fail)
        HubStream(folder)
    assert not list(cache.rglob("*.parquet")) and not list(cache.rglob("unfinished-*"))
    assert HubStream(folder).rows == 6


def test_folder_split_that_does_not_exist_names_what_does(root, cache):
    folder = write_files(root, {"train/a": 3, "train/b": 3, "val/a": 1, "test": 4})
    with pytest.raises(TrazoError, match=r"'test'; it has train, validation; images in test, a split without .*: 4"):
        HubStream(folder, "test")
    assert not cache.exists()
    assert HubStream(folder, "val").source.split == "validation"


def test_folder_layout_is_overruled(root):
    folder = write_files(root, {"2020/cat": 3, "2020/dog": 3, "2021/cat": 3})
    assert open_source(folder, "train").features["label"].names == ["cat", "dog"]
    assert open_source(folder, "train", SourceOptions(layout="outer")).features["label"].names == ["2020", "2021"]


@pytest.mark.parametrize("option", ["config", "revision"])
def test_folder_with_revision_or_config_is_error(root, option):
    with pytest.raises(TrazoError, match=f"is a folder of images, which has no {option} 'x'"):
        HubStream(write_files(root, {"a": 1, "b": 1}), **{option: "x"})


def test_layout_of_other_data_is_error():
    with pytest.raises(TrazoError, match="is not a folder of images, which alone has a layout"):
        HubStream(SAMPLE, layout="splits")


def test_folder_skipped_rows_are_named_by_their_files(root):
    stream = HubStream(write_files(root, {"a": 2, "b": 120}), batch_size=200)
    stream.skip(1, "damaged")
    stream.skip(115, "too large")
    summary = stream.take_skip_summary()
    assert summary == "skipped 2 rows of train: 1 a/001.png (damaged), 115 b/113.png (too large)"
