"""Proxies from the environment never come between the processes of this machine."""

import logging

import certifi
import httpx
import pytest

from model.network_settings import drop_missing_certificates, drop_unusable, exempt, set_up_network

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_set_up_network_loopback_is_exempt_in_both_spellings(name):
    environ = {name: PROXY, "NO_PROXY": "intranet, .example.org"}
    set_up_network(environ, "10.0.0.7")
    assert environ[name] == PROXY
    assert environ["no_proxy"] == environ["NO_PROXY"] == "intranet,.example.org,127.0.0.1,localhost,::1,10.0.0.7"
    assert "no_grpc_proxy" not in environ


def test_set_up_network_without_proxy_changes_nothing():
    environ = {"NO_PROXY": "intranet"}
    set_up_network(environ)
    assert environ == {"NO_PROXY": "intranet"}


def test_exempt_keeps_entries_of_both_spellings_and_of_grpc():
    environ = {"no_proxy": "a,[::1]", "NO_PROXY": "b", "no_grpc_proxy": "c"}
    exempt(environ, "a", "localhost")
    assert set(environ.values()) == {"a,::1,b,c,localhost"}


def test_exempt_star_stays_alone():
    environ = {"no_proxy": "*"}
    exempt(environ, "localhost")
    assert environ == {"no_proxy": "*", "NO_PROXY": "*"}


@pytest.mark.parametrize(
    "address",
    ["http://", "proxy:port", "socks4://proxy:1", "ftp://user:secret@proxy", "http://a b:1", "http://x:99999999"],
)
def test_drop_unusable_malformed_proxy_is_reported_without_its_password(caplog, address):
    environ = {"http_proxy": address, "https_proxy": PROXY}
    with caplog.at_level(logging.WARNING):
        drop_unusable(environ)
    assert environ == {"https_proxy": PROXY}
    assert "http_proxy is not an address like http://" in caplog.text and "secret" not in caplog.text


def test_drop_unusable_socks_without_its_package(caplog, monkeypatch):
    def refuse(*_, **__):
        raise ImportError("socksio")

    monkeypatch.setattr(httpx, "HTTPTransport", refuse)
    environ = {"ALL_PROXY": "socks5://127.0.0.1:1080"}
    drop_unusable(environ)
    assert environ == {} and "ALL_PROXY is a SOCKS proxy" in caplog.text


@pytest.mark.parametrize("exceptions", ["", "[::1]", "10.0.0.0/8", "fd00::/8", "*.example.org", ".local,,"])
def test_set_up_network_clients_can_be_made(monkeypatch, exceptions):
    import os

    for name in ("HTTP_PROXY", "NO_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "socks4://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", exceptions)
    set_up_network(os.environ)
    httpx.Client(verify=False).close()


def test_drop_missing_certificates_is_reported(tmp_path, caplog):
    environ = {"SSL_CERT_FILE": str(tmp_path / "gone.pem"), "SSL_CERT_DIR": str(tmp_path)}
    drop_missing_certificates(environ)
    assert environ == {"SSL_CERT_DIR": str(tmp_path)} and "SSL_CERT_FILE is" in caplog.text


def test_drop_missing_certificates_file_without_any_is_reported(tmp_path, caplog):
    (tmp_path / "empty.pem").touch()
    environ = {"SSL_CERT_FILE": str(tmp_path / "empty.pem")}
    drop_missing_certificates(environ)
    assert environ == {} and "empty.pem', which holds no certificates, and is not used" in caplog.text
    drop_missing_certificates(environ := {"SSL_CERT_FILE": certifi.where()})
    assert environ == {"SSL_CERT_FILE": certifi.where()}
