"""The private names of libraries exist, and their settings are restored."""

import inspect

import datasets
import httpx2
import pytest
from datasets import Features, Value, config, load
from huggingface_hub import close_session, get_session
from huggingface_hub.utils import _http

from training.data.parquet import datasets_compat, hf_compat, hub_client
from training.data.parquet.hub_client import DEFAULT_TIMEOUT_S, call_with_silence_timeout, limited_hub_calls


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch):
    """A process in which nobody has called `configure`, as an earlier test may have."""
    close_session()
    monkeypatch.setattr(_http, "_GLOBAL_CLIENT_FACTORY", _http.default_client_factory)
    monkeypatch.setattr(hub_client, "_limits", hub_client._HubLimits())
    yield
    close_session()


def test_huggingface_hub_private_names_exist():
    assert callable(_http._GLOBAL_CLIENT_FACTORY) and hasattr(_http, "_GLOBAL_CLIENT")
    assert _http.logger.name == hf_compat.HTTP_LOGGER
    assert "_GLOBAL_CLIENT_FACTORY()" in inspect.getsource(get_session)


def test_datasets_private_names_exist():
    for name in (*datasets_compat.LIMITS, "HF_UPDATE_DOWNLOAD_COUNTS"):
        assert hasattr(config, name)
    assert "HF_UPDATE_DOWNLOAD_COUNTS" in inspect.getsource(load)
    assert "STREAMING_READ_MAX_RETRIES" in inspect.getsource(datasets.utils.file_utils)
    assert issubclass(datasets_compat.EmptyDatasetError, Exception) and callable(datasets_compat.embed_table_storage)


def test_limited_hub_calls_existing_client_is_limited_and_restored():
    client = get_session()
    before = client.timeout, client.event_hooks, config.STREAMING_READ_MAX_RETRIES
    with limited_hub_calls():
        assert get_session() is client and client.timeout == httpx2.Timeout(DEFAULT_TIMEOUT_S)
        assert len(client.event_hooks["response"]) == 1 and config.STREAMING_READ_MAX_RETRIES == 1
    assert (client.timeout, client.event_hooks, config.STREAMING_READ_MAX_RETRIES) == before


def test_limited_hub_calls_replaced_client_is_limited_and_restored():
    """After a failed connection `huggingface_hub` closes its client and creates another."""
    factory = hf_compat.get_client_factory()
    with limited_hub_calls():
        get_session()
        close_session()
        client = get_session()
        assert client.timeout == httpx2.Timeout(DEFAULT_TIMEOUT_S)
        with limited_hub_calls():
            pass
        assert client.timeout == httpx2.Timeout(DEFAULT_TIMEOUT_S)
    assert client.timeout == httpx2.Timeout(None) and hf_compat.get_client_factory() is factory


def test_limited_hub_calls_timeout_of_the_user_is_kept():
    get_session().timeout = 3.0
    with limited_hub_calls():
        assert get_session().timeout == httpx2.Timeout(3.0)


def test_call_with_silence_timeout_passes_result_and_error():
    assert call_with_silence_timeout(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        call_with_silence_timeout(lambda: 1 // 0)


def test_known_features_only_leaves_out_what_is_unknown_and_restores():
    before = vars(Features)["_from_yaml_list"]
    declared = [{"name": "label", "dtype": "int64"}, {"name": "depth", "dtype": "hologram"}, "damaged"]
    with datasets_compat.known_features_only() as unknown:
        assert Features._from_yaml_list(declared) == {"label": Value("int64")}
    assert unknown["depth"] == "Feature type 'Hologram' not found." and "damaged" in unknown
    assert vars(Features)["_from_yaml_list"] is before
    assert "Features._from_yaml_list" in inspect.getsource(datasets.info)
