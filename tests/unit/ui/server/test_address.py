"""Where the page is served, from the environment."""

import socket

import pytest

from model.errors import TrazoError
from ui.server.address import Address, check_free, describe_address, server_address


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("127.0.0.1", 7860)),
        ({"PORT": "8123"}, ("127.0.0.1", 8123)),
        ({"PORT": "8123", "GRADIO_SERVER_PORT": "8124"}, ("127.0.0.1", 8124)),
        ({"PORT": "", "GRADIO_SERVER_PORT": "", "GRADIO_SERVER_NAME": " "}, ("127.0.0.1", 7860)),
        ({"SPACE_ID": "a/b"}, ("0.0.0.0", 7860)),
        ({"SPACE_ID": "a/b", "GRADIO_SERVER_NAME": "10.0.0.7"}, ("10.0.0.7", 7860)),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, ("0.0.0.0", 7860)),
        ({"GRADIO_SERVER_NAME": "[::1]"}, ("::1", 7860)),
    ],
)
def test_server_address_follows_the_environment(environ, expected):
    assert server_address(environ) == expected


@pytest.mark.parametrize(
    ("host", "root_path", "share_url", "expected"),
    [
        ("127.0.0.1", "", None, "open http://127.0.0.1:8000"),
        ("::1", "", None, "open http://[::1]:8000"),
        ("room.school", "/", None, "open http://room.school:8000"),
        (
            *("0.0.0.0", "", None),
            "open http://127.0.0.1:8000; on other machines http://ADDRESS:8000, with the address of this machine",
        ),
        ("0.0.0.0", "demo/", None, "open /demo at the proxy in front of http://127.0.0.1:8000"),
        (
            *("127.0.0.1", "https://school.org/demo", None),
            "open https://school.org/demo (a proxy in front of http://127.0.0.1:8000)",
        ),
        ("::1", "", "https://x.gradio.live", "open http://[::1]:8000; from anywhere https://x.gradio.live"),
    ],
)
def test_describe_address_says_where_the_page_opens(host, root_path, share_url, expected):
    assert describe_address(Address(host, 8000), root_path, share_url) == expected


@pytest.mark.parametrize("name", ["PORT", "GRADIO_SERVER_PORT"])
def test_server_address_port_must_be_a_number(name):
    with pytest.raises(TrazoError, match=f"^{name} must be a number from 1 to 65535, not 'http'"):
        server_address({name: "http"})


@pytest.mark.parametrize(
    ("host", "server_name", "reachable"),
    [
        ("0.0.0.0", "0.0.0.0", "127.0.0.1"),
        ("::", "[::]", "::1"),
        ("::1", "[::1]", "::1"),
        ("room.school", "room.school", "room.school"),
    ],
)
def test_address_names_suit_urls_and_clients(host, server_name, reachable):
    address = Address(host, 7860)
    assert (address.server_name, address.reachable_host) == (server_name, reachable)


@pytest.mark.parametrize("host", ["http://0.0.0.0", "0.0.0.0:80", "192.0.2.1", "no host", "x" * 300])
def test_check_free_host_of_another_machine_is_refused(host):
    with pytest.raises(TrazoError, match="GRADIO_SERVER_NAME is '.*' is not an address of this machine|not an address"):
        check_free(Address(host, 7860))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_check_free_port_that_is_taken_is_refused(host):
    with socket.socket() as other:
        other.bind((host, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(TrazoError, match=f"^port {port} is taken; choose another"):
            check_free(Address(host, port))
    check_free(Address(host, port))
