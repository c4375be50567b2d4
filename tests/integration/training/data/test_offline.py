"""A dataset of the Hub that is on disk is opened without the Hub."""

import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.errors import TrazoError
from tests.conftest import SAMPLE
from tests.support.datasets import random_images
from tests.support.fake_hub import Fault, LoopbackHub
from tests.support.folders import write_files
from training.data.parquet import find_files, hub_client
from training.data.parquet.byte_ranges import HttpOptions, cache_folder
from training.stream import HubStream

CACHED = HttpOptions(timeout=2, retries=0, cache_bytes=1 << 30)


def write_webdataset(folder: Path) -> Path:
    """Write a shard of images with their classes, which only `datasets` can read."""
    folder.mkdir()
    with tarfile.open(folder / "train-000.tar", "w") as shard:
        for number, image in enumerate(random_images(6)):
            for name, content in ((f"{number:03}.png", image), (f"{number:03}.cls", b"%d" % (number % 2))):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
    return folder


@pytest.fixture
def hub(tmp_path, use_hub) -> Iterator[LoopbackHub]:
    """A Hub with a dataset in Parquet and one of images, both of which were read once."""
    images = {f"{name}/{n}.png": image for name in ("cat", "dog") for n, image in enumerate(random_images(5))}
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.add_repo("some/shards", folder=write_webdataset(tmp_path / "shards"))
        hub.add_repo("some/pics", folder=Path(write_files(tmp_path / "pics", images)))
        use_hub(hub, tmp_path / "home")
        yield hub


def read(dataset: str, revision: str | None = None) -> tuple[list[int], str | None]:
    column = "cls" if dataset == "some/shards" else None
    stream = HubStream(dataset, batch_size=1000, revision=revision, label_column=column, http=CACHED)
    labels = [int(label) for batch in stream.ordered() for label in batch.labels]
    return labels, stream.source.revision


@pytest.mark.parametrize("dataset", ["someone/sample", "some/pics", "some/shards"])
def test_offline_dataset_that_was_read_is_read_from_disk(hub, use_hub, tmp_path, caplog, dataset):
    caplog.set_level("INFO", "trazo")
    before = read(dataset)
    use_hub(hub, tmp_path / "home", offline=True)
    hub.log.clear()
    assert read(dataset) == before and not hub.log
    assert f"'{dataset}' is read from the cache, at commit {before[1]}" in caplog.text


@pytest.mark.parametrize("dataset", ["someone/sample", "some/pics", "some/shards"])
def test_whole_commit_asks_nothing(hub, dataset):
    before = read(dataset)
    hub.log.clear()
    assert read(dataset, before[1]) == before and not hub.log


def test_known_commit_costs_one_question(hub):
    before = read("someone/sample")
    hub.log.clear()
    assert read("someone/sample") == before
    assert len(hub.log) == 1


def test_new_commit_is_found_and_is_the_next_known(hub, use_hub, tmp_path):
    first = read("some/pics")
    hub.add_repo("some/pics", folder=Path(write_files(tmp_path / "more", {"cat": 3, "dog": 2})))
    second = read("some/pics")
    assert second[1] != first[1] and len(second[0]) == 5
    use_hub(hub, tmp_path / "home", offline=True)
    assert read("some/pics") == second
    assert read("some/pics", first[1]) == first


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(stall=30), Fault(reset=True)], ids=["503", "silent", "reset"]
)
def test_unreachable_hub_is_not_waited_for(hub, monkeypatch, fault):
    monkeypatch.setattr(find_files, "KNOWN_TIMEOUT_S", 0.5)
    monkeypatch.setattr(hub_client, "MAX_SILENCE_S", 60.0)
    before = read("someone/sample")
    hub.fault = lambda method, path, headers: fault
    started = time.monotonic()
    assert read("someone/sample") == before
    assert time.monotonic() - started < 10


def test_closed_hub_is_not_waited_for(tmp_path, use_hub):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        use_hub(hub, tmp_path / "home")
        before = read("someone/sample")
    assert read("someone/sample") == before


def test_refusal_of_the_hub_is_not_overruled_by_the_cache(hub):
    read("someone/sample")
    hub.fault = lambda method, path, headers: Fault(status=403)
    with pytest.raises(TrazoError):
        read("someone/sample")


def test_offline_unknown_split_names_those_that_are_known(hub, use_hub, tmp_path):
    read("someone/sample")
    use_hub(hub, tmp_path / "home", offline=True)
    with pytest.raises(TrazoError, match="has no split 'dev'; it has train, test"):
        HubStream("someone/sample", "dev")


def test_offline_dataset_never_opened_is_one_line(hub, use_hub, tmp_path):
    use_hub(hub, tmp_path / "home", offline=True)
    with pytest.raises(TrazoError, match="cannot be reached for 'someone/sample'"):
        read("someone/sample")


def test_offline_damaged_record_is_asked_again(hub):
    before = read("someone/sample")
    for path in (cache_folder() / "resolved").iterdir():
        path.write_bytes(b"{")
    assert read("someone/sample") == before
