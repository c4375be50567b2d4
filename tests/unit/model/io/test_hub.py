"""The part of the Hub's cache that is written without huggingface_hub, and errors in plain words."""

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, snapshot_download
from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

from model import TrazoError
from model.io.hub import _cache_ref, commit_folder, log_files
from model.io.hub_errors import translate_hub_errors


def test_cache_ref_is_found_by_snapshot_download(tmp_path):
    """huggingface_hub writes the same file in its private `_cache_commit_hash_for_specific_revision`."""
    for commit in ("a" * 40, "b" * 40):
        folder = tmp_path / "models--someone--digits" / "snapshots" / commit
        folder.mkdir(parents=True)
        _cache_ref(folder, "main")
        assert snapshot_download("someone/digits", cache_dir=tmp_path, local_files_only=True) == str(folder)


def test_cache_ref_of_a_commit_is_not_written(tmp_path):
    folder = tmp_path / "models--someone--digits" / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    _cache_ref(folder, folder.name)
    assert not (tmp_path / "models--someone--digits" / "refs").exists()


@pytest.mark.parametrize(
    ("repo_type", "error", "message"),
    [
        ("model", HFValidationError("x"), "neither a folder here nor a repo id"),
        ("dataset", HFValidationError("x"), "neither a folder here nor a dataset id"),
        (
            "model",
            OfflineModeIsEnabled("x"),
            r"\(OfflineModeIsEnabled\), which is neither a folder here nor in the cache$",
        ),
        ("dataset", ConnectionError("x"), "without a network, try `--dataset training/sample`$"),
        ("space", PermissionError("x"), "cannot be read or written here"),
        ("model", KeyError("siblings"), "does not respond like a Hub about 'a/b'"),
    ],
)
def test_translate_hub_errors_names_the_kind_of_repo(repo_type, error, message):
    with pytest.raises(TrazoError, match=message), translate_hub_errors("a/b", repo_type=repo_type):
        raise error


def test_translate_hub_errors_passes_our_own():
    with pytest.raises(TrazoError, match="^as it was$"), translate_hub_errors("a/b"):
        raise TrazoError("as it was")


@pytest.mark.parametrize("name", ["README.md", "training.json", "onnx", "model.weights.h5"])
def test_commit_folder_with_a_link_out_of_it_sends_nothing(tmp_path, name):
    folder = tmp_path / "model"
    folder.mkdir()
    for needed in ("trazo.json", "model.safetensors"):
        (folder / needed).write_text("{}")
    (tmp_path / "model.onnx").write_text("hf_secret")
    (folder / name).symlink_to(tmp_path / ("" if name == "onnx" else "model.onnx"))
    with pytest.raises(TrazoError, match="is a link out of its folder"):
        commit_folder(folder, "someone/digits")


def test_log_files_lists_what_is_sent(caplog):
    caplog.set_level("INFO", "trazo")
    log_files("a/b", [CommitOperationAdd("trazo.json", b"{}"), CommitOperationDelete("old.json")])
    assert caplog.messages == ["sent to a/b: trazo.json (2 bytes)"]
