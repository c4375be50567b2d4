"""Models that visitors name: from the Hub alone, of limited size, with or without the host's token, in any cache."""

from pathlib import Path

import pytest

from model.config import CnnConfig
from model.errors import ModelError
from model.io.locate import locate_on_hub
from tests.integration.model.test_model_cache import write_model
from tests.support.fake_hub import LoopbackHub

REPO = "someone/digits"


@pytest.fixture
def hub(tmp_path, use_hub):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo(REPO, "model", write_model(tmp_path / "source", 1))
        use_hub(hub, tmp_path / "home")
        yield hub


def test_locate_on_hub_keeps_the_files_in_the_given_cache(hub, tmp_path):
    folder, config = locate_on_hub(REPO, cache=tmp_path / "cache")
    assert folder.is_relative_to(tmp_path / "cache") and config == CnnConfig(filters=(4,))
    assert not list(Path(tmp_path / "home").rglob("trazo.json"))


def test_locate_on_hub_does_not_look_at_a_folder_of_this_name(hub, tmp_path, monkeypatch):
    (tmp_path / "here" / "someone").mkdir(parents=True)
    write_model(tmp_path / "here" / "someone" / "digits", 2, labels=("a", "b"))
    monkeypatch.chdir(tmp_path / "here")
    assert locate_on_hub(REPO)[1] == CnnConfig(filters=(4,))


@pytest.mark.parametrize("unlisted", [set(), {"size"}])
def test_locate_on_hub_refuses_a_large_model_before_its_weights_are_sent(hub, tmp_path, unlisted):
    hub.unlisted = unlisted
    with pytest.raises(ModelError, match="at most 1,000 are downloaded here"):
        locate_on_hub(REPO, cache=tmp_path / "cache", max_bytes=1000)
    assert not [one for one in hub.log if one.path.endswith("model.safetensors")]


def test_locate_on_hub_without_token_reads_no_private_model(hub, tmp_path):
    hub.repos["model", REPO].private = True
    with pytest.raises(ModelError, match="that you may read"):
        locate_on_hub(REPO, token=False, cache=tmp_path / "cache")
    assert locate_on_hub(REPO, cache=tmp_path / "cache")[0].is_dir()
