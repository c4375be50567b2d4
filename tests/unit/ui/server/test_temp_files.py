"""The folder of uploads: what the sweep deletes, what it leaves, and the quota."""

import errno
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from ui.i18n import UserError
from ui.server import temp_files
from ui.server.temp_files import MIN_AGE_S, StorageFullError, TempFiles, Usage, is_disk_full

AGE_S = 1000.0


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path, clock) -> TempFiles:
    return TempFiles(lambda: str(tmp_path / "files"), Usage(1_000_000, 20), AGE_S, clock)


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def everything(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_sweep_deletes_everything_that_is_old(store, folder, clock):
    """Also what Gradio does not know of: parts of aborted uploads and files under another name of the form."""
    (folder / "tmpaborted").write_bytes(b"half an image")
    (folder / "0f").mkdir()
    (folder / "0f" / "image.png").write_bytes(b"image")
    (folder / "empty" / "inner").mkdir(parents=True)
    store.sweep()
    clock.now_s += AGE_S - 1
    store.sweep()
    assert everything(folder) == {"tmpaborted", "0f", "image.png", "empty", "inner"}
    clock.now_s += 1
    store.sweep()
    assert everything(folder) == {"0f", "empty"}  # folders that were emptied count as used
    for _ in range(2):
        clock.now_s += AGE_S
        store.sweep()
    assert everything(folder) == set()


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.png", b"a\nb\x1b[31m", "n\u0303\u202egpj.exe".encode(), b" ", b"-rf", b"x" * 255]
)
def test_sweep_deletes_any_name(store, folder, clock, name):
    Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"image")
    store.sweep()
    clock.now_s += AGE_S
    store.sweep()
    assert everything(folder) == set()


def test_sweep_deletes_links_sockets_and_pipes_and_follows_none(store, folder, clock, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    (folder / "to a folder").symlink_to(outside)
    (folder / "to a file").symlink_to(outside / "precious")
    (folder / "to nothing").symlink_to(folder / "nothing")
    (folder / "to itself").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    store.sweep()
    clock.now_s += AGE_S
    store.sweep()
    assert everything(folder) == set() and (outside / "precious").read_text() == "kept"


def test_sweep_leaves_what_was_used_meanwhile(store, folder, clock):
    used, unused = folder / "used", folder / "unused"
    used.write_bytes(b"a")
    unused.write_bytes(b"b")
    for _ in range(5):
        store.sweep()
        clock.now_s += AGE_S / 2
        os.utime(used)
    store.sweep()
    assert everything(folder) == {"used"}


def test_sweep_leaves_a_file_that_is_used_while_it_runs(store, folder, clock, monkeypatch):
    used = folder / "used"
    used.write_bytes(b"a")
    store.sweep()
    clock.now_s += AGE_S
    delete = temp_files._delete
    monkeypatch.setattr(temp_files, "_delete", lambda entry: (os.utime(used), delete(entry))[1])
    store.sweep()
    assert used.exists()


def test_sweep_leaves_and_touches_the_pages_own_files(store, folder, clock):
    own = folder / "own"
    own.write_bytes(b"a")
    os.utime(own, (1, 1))
    for _ in range(3):
        store.sweep([str(folder / "." / "own")])  # in another spelling
        clock.now_s += AGE_S
    assert own.stat().st_mtime > 1


@pytest.mark.parametrize("jump_s", [-1e6, 1e6])
def test_sweep_does_not_depend_on_the_time_of_day(store, folder, clock, jump_s):
    """A clock that jumps, forward or back, makes no file older or younger."""
    (folder / "image").write_bytes(b"a")
    os.utime(folder / "image", (time.time() + jump_s,) * 2)
    store.sweep()
    clock.now_s += AGE_S - 1
    store.sweep()
    assert everything(folder) == {"image"}
    clock.now_s += 1
    store.sweep()
    assert everything(folder) == set()


def test_sweep_without_a_folder_finds_nothing(store):
    store.sweep()


def test_sweep_file_that_cannot_be_deleted_is_reported_once(store, folder, clock, caplog, monkeypatch):
    (folder / "stuck").write_bytes(b"a")
    (folder / "other").write_bytes(b"a")
    unlink = os.unlink

    def fail(path: str) -> None:
        if path.endswith("stuck"):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(os, "unlink", fail)
    for _ in range(3):
        store.sweep()
        clock.now_s += AGE_S
    assert everything(folder) == {"stuck"} and caplog.text.count("1 old files in") == 1


def test_start_continues_after_errors(tmp_path, folder, monkeypatch, caplog):
    monkeypatch.setattr(temp_files, "MIN_SWEEP_PAUSE_S", 0.01)
    store = TempFiles(lambda: str(folder), max_age_s=0.02)
    calls, ended = [], threading.Event()

    def kept() -> list[str]:
        calls.append(1)
        if len(calls) < 4:
            raise RuntimeError("Set changed size during iteration")
        if not everything(folder):
            ended.set()
        return []

    (folder / "image").write_bytes(b"a")
    store.start(kept)
    assert ended.wait(10) and len(calls) > 4
    assert caplog.text.count("Set changed size") == 3


def test_sweep_while_files_arrive_loses_none(folder):
    """Uploads come and go while it runs again and again: each new file is there until it is old."""
    store = TempFiles(lambda: str(folder), max_age_s=3600)
    stop, missing = threading.Event(), []

    def upload(visitor: int) -> None:
        for number in range(60):
            path = store.save(f"{visitor} {number % 20}".encode(), "image.png")
            if not path.is_file():
                missing.append(path)

    def sweep() -> None:
        while not stop.is_set():
            store.sweep()

    sweeping, visitors = threading.Thread(target=sweep), [threading.Thread(target=upload, args=[n]) for n in range(4)]
    for thread in (sweeping, *visitors):
        thread.start()
    for thread in visitors:
        thread.join()
    stop.set()
    sweeping.join()
    store.sweep()
    assert not missing and len(list(folder.rglob("image.png"))) == 80
    assert store._written == store._writing == Usage() and store._found.files == 160


# --- The quota ---


def test_writing_above_the_bytes_is_refused(store):
    with store.writing(900_000, 1) as add, pytest.raises(StorageFullError, match="no room"):
        add(100_001, 0)
    with store.writing(100_000, 1), pytest.raises(StorageFullError), store.writing(1, 0):
        pass


def test_writing_above_the_number_of_files_is_refused(store):
    with store.writing(0, 20):
        pass
    with pytest.raises(StorageFullError), store.writing(0, 1):
        pass


def test_writing_one_visitor_fills_its_share_and_another_always_finds_room(store, folder, clock):
    store.save(bytes(374_500), "first.png", "greedy")
    store.sweep()  # seen before the others, so that it goes first
    for _ in range(3):  # files that are old enough go; the visitor never gets more than is left
        for _ in range(50):
            with pytest.raises(StorageFullError):
                store.save(os.urandom(1000), "image.png", "greedy")
        store.save(os.urandom(50_000), "image.png", "honest")
        clock.now_s += MIN_AGE_S / 2
        store.sweep()
    clock.now_s += 2 * MIN_AGE_S
    store.sweep()
    store.save(bytes(370_000), "second.png", "greedy")


def test_writing_many_small_files_of_one_visitor_leave_some_for_another(store):
    with pytest.raises(StorageFullError), store.writing(0, 11, "greedy"):
        pass
    for _ in range(3):
        with store.writing(0, 2, "greedy"):
            pass
    with pytest.raises(StorageFullError), store.writing(0, 2, "greedy"):
        pass
    with store.writing(0, 2, "honest"), store.writing(0, 2):
        pass


def test_writing_several_greedy_visitors_leave_room_for_another(store):
    for number in range(6):
        with pytest.raises(StorageFullError):
            for _ in range(1000):
                with store.writing(10_000, 0, f"192.0.2.{number}"):
                    pass
    with store.writing(5_000, 1, "honest"):
        pass


def test_writing_counts_a_visitor_no_longer_than_files_are_kept(store, clock):
    for _ in range(20):  # all the time, and never much within MIN_AGE_S
        with store.writing(200_000, 0, "class"):
            pass
        clock.now_s += 1.3 * MIN_AGE_S
        store.sweep()


def test_writing_what_visitors_wrote_long_ago_is_forgotten(store, clock):
    for number in range(100):
        with store.writing(1, 0, f"192.0.2.{number}"):
            pass
        clock.now_s += MIN_AGE_S
    assert len(store._recent._periods) == 2


def test_writing_counts_once_a_sweep_has_seen_the_files(store, folder):
    with store.writing(900_000, 2):
        (folder / "image").write_bytes(bytes(10_000))
    store.sweep()
    with store.writing(900_000, 2):
        pass


def test_writing_counts_what_is_written_during_a_sweep(store, folder, monkeypatch):
    entries = TempFiles._entries

    def write_meanwhile(self: TempFiles, now: float) -> list:
        with store.writing(900_000, 2):
            return list(entries(self, now))

    monkeypatch.setattr(TempFiles, "_entries", write_meanwhile)
    store.sweep()
    with pytest.raises(StorageFullError), store.writing(100_001, 0):
        pass


def test_save_above_the_quota_writes_nothing(store, folder):
    with pytest.raises(StorageFullError):
        store.save(bytes(1_000_001), "image.png")
    assert everything(folder) == set()


def test_save_equal_content_is_not_written_again(store, folder):
    first = store.save(b"image", "image.png")
    before = first.stat()
    assert store.save(bytearray(b"image"), "image.png") == first and first.read_bytes() == b"image"
    assert first.stat().st_ino == before.st_ino and first.stat().st_mtime_ns > before.st_mtime_ns


def test_save_folder_deleted_in_between_is_made_again(store, folder, monkeypatch):
    write, calls = temp_files.atomic_write, []

    def lose_folder(path: Path, content: bytes) -> None:
        calls.append(path)
        if len(calls) == 1:
            path.parent.rmdir()
        write(path, content)

    monkeypatch.setattr(temp_files, "atomic_write", lose_folder)
    assert store.save(b"image", "image.png").read_bytes() == b"image"


def test_sweep_almost_full_deletes_the_oldest_first(store, folder, clock):
    for number in range(18):
        (folder / f"{number:02}").write_bytes(b"a")
        store.sweep()
        clock.now_s += 1
    clock.now_s = MIN_AGE_S + 1
    store.sweep()
    assert everything(folder) == {f"{number:02}" for number in range(2, 18)}  # younger than MIN_AGE_S: 2 to 17
    clock.now_s += 100
    store.sweep()
    assert everything(folder) == {f"{number:02}" for number in range(3, 18)}  # no more than is needed


def test_quota_is_at_most_half_of_what_the_disk_has(store, folder, monkeypatch):
    monkeypatch.setattr(temp_files.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100_000}))
    store.sweep()
    with pytest.raises(StorageFullError), store.writing(50_001, 1):
        pass


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_is_disk_full_also_behind_other_errors(code):
    try:
        try:
            raise OSError(code, "no space")
        except OSError as error:
            raise UserError("failed") from error
    except UserError as error:
        assert is_disk_full(error)
    assert not is_disk_full(OSError(errno.EACCES, "")) and not is_disk_full(ValueError()) and not is_disk_full(None)
