"""A run's copies on a bucket: any interruption leaves one that is whole."""

import pytest

from training.remote.snapshots import Snapshots, restore


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    (folder / "tuner").mkdir(parents=True)
    (folder / "tuner" / "oracle.json").write_text("{}")
    (folder / "checkpoint.safetensors").write_bytes(b"epoch 1")
    return folder


def restored(tmp_path, number: int = 0) -> dict[str, bytes]:
    folder = tmp_path / f"restored{number}"
    assert restore(tmp_path / "store", folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_restore_gives_the_files_of_the_last_save(tmp_path, run):
    snapshots = Snapshots(tmp_path / "store", run)
    assert snapshots.save() and not snapshots.save()  # nothing has changed
    (run / "checkpoint.safetensors").write_bytes(b"epoch 02")
    (run / ".training.json.x.tmp").write_bytes(b"half of a fi")
    assert snapshots.save()
    assert restored(tmp_path) == {"tuner/oracle.json": b"{}", "checkpoint.safetensors": b"epoch 02"}


@pytest.mark.parametrize("damage", ["half of the copy", "no hash", "half of the hash"])
def test_restore_after_an_interruption_gives_the_copy_before(tmp_path, run, damage):
    """The machine is taken away while a copy is written: the one before is used, and is not overwritten next."""
    store = tmp_path / "store"
    for content in (b"epoch 1", b"epoch 02", b"epoch 003"):  # each on another machine
        (run / "checkpoint.safetensors").write_bytes(content)
        assert Snapshots(store, run).save()
    newest = max(store.glob("snapshot.?"), key=lambda path: path.stat().st_mtime_ns)
    seal = newest.with_name(f"{newest.name}.sha256")
    if damage == "half of the copy":
        newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    else:
        seal.write_text("" if damage == "no hash" else seal.read_text()[:20])
    assert restored(tmp_path)["checkpoint.safetensors"] == b"epoch 02"
    (run / "checkpoint.safetensors").write_bytes(b"epoch 0003")
    assert Snapshots(store, run).save()
    assert restored(tmp_path, 1)["checkpoint.safetensors"] == b"epoch 0003"


def test_restore_without_a_copy_makes_an_empty_folder(tmp_path):
    assert not restore(tmp_path / "nothing", tmp_path / "run")
    assert [*(tmp_path / "run").iterdir()] == []


def test_save_while_files_change_copies_no_mixture(tmp_path, run, monkeypatch):
    """Between the copy of two files both change: the copy that is kept has both, or neither."""
    import tarfile

    add, changes = tarfile.TarFile.add, iter(range(3))

    def change_after(archive, name, arcname):
        add(archive, name, arcname)
        if next(changes, None) is not None:
            for path in (run / "checkpoint.safetensors", run / "tuner" / "oracle.json"):
                path.write_bytes(path.read_bytes() + b"!")

    monkeypatch.setattr(tarfile.TarFile, "add", change_after)
    assert Snapshots(tmp_path / "store", run).save()
    assert restored(tmp_path) == {"tuner/oracle.json": b"{}!!!", "checkpoint.safetensors": b"epoch 1!!!"}
