"""Names, origins and proxies."""

import pytest
from starlette.datastructures import Headers

from model.errors import TrazoError
from ui.server.access import Access
from ui.server.address import Address

LOCAL, OPEN = Address("127.0.0.1", 7860), Address("0.0.0.0", 7860)
OWN = {"host": "127.0.0.1:7860"}


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "localhost.", "a.localhost:1", "[::1]:7860", "127.9.9.9"],
)
def test_local_page_answers_to_this_machine(host):
    assert Access.from_environ({}, LOCAL).answers_to(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:7860", "localhost.evil.example", "", "[::1", "192.0.2.1"],
)
def test_local_page_answers_to_no_other_name(host):
    assert not Access.from_environ({}, LOCAL).answers_to(host)


@pytest.mark.parametrize(
    ("environ", "address", "host"),
    [
        ({"ALLOWED_HOSTS": "other.org, trazo.school.edu"}, LOCAL, "Trazo.school.edu"),
        ({"ALLOWED_HOSTS": "trazo.school.edu:8000"}, LOCAL, "trazo.school.edu:8000"),
        ({"ALLOWED_HOSTS": "*"}, LOCAL, "any.example"),
        ({"GRADIO_ROOT_PATH": "https://school.edu/demo"}, LOCAL, "school.edu"),
        ({"SPACE_ID": "me/demo"}, LOCAL, "me-demo.hf.space"),
        ({"GRADIO_SHARE": "True"}, LOCAL, "1234.gradio.live"),
        ({}, OPEN, "any.example"),
    ],
)
def test_configured_names_and_open_pages_are_answered(environ, address, host):
    assert Access.from_environ(environ, address).answers_to(host)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),  # a program
        ("POST", {"origin": "http://127.0.0.1:7860"}),
        ("POST", {"origin": "https://trazo.org", "x-forwarded-host": "trazo.org, 10.0.0.1"}),
        ("POST", {"origin": "https://trazo.org", "sec-fetch-site": "same-origin"}),  # a proxy changes the host
        ("POST", {"origin": "https://friend.org"}),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
        ("GET", {"sec-fetch-site": "none"}),
    ],
)
def test_own_and_allowed_origins_are_not_cross_site(method, headers):
    access = Access.from_environ({"ALLOWED_HOSTS": "friend.org"}, LOCAL)
    assert not access.is_cross_site(method, Headers(OWN | headers))


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"origin": "https://evil.example"}),
        ("POST", {"origin": "http://127.0.0.1:3000"}),  # another program of this machine
        ("POST", {"origin": "null"}),
        ("POST", {"origin": ""}),
        ("POST", {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
        ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
        ("POST", {"origin": "https://a.trazo.org", "host": "trazo.org", "sec-fetch-site": "same-site"}),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
        ("GET", {"origin": "https://evil.example"}),
        ("OPTIONS", {"origin": "https://evil.example"}),
    ],
)
@pytest.mark.parametrize("address", [LOCAL, OPEN])
def test_other_origins_are_cross_site(method, headers, address):
    assert Access.from_environ({}, address).is_cross_site(method, Headers(OWN | headers))


@pytest.mark.parametrize(
    ("environ", "proxy", "other"),
    [
        ({"FORWARDED_ALLOW_IPS": "10.1.2.3, 192.0.2.0/24"}, "192.0.2.9", "10.1.2.4"),
        ({"SPACE_ID": "me/demo"}, "10.20.30.40", "203.0.113.1"),
        ({"GRADIO_ROOT_PATH": "/demo"}, "127.0.0.1", "10.20.30.40"),
        ({"GRADIO_SHARE": "True"}, "::1", "10.20.30.40"),
        ({"FORWARDED_ALLOW_IPS": "*"}, "203.0.113.1", "not an address"),
        ({"SPACE_ID": "me/demo", "FORWARDED_ALLOW_IPS": "10.0.0.1"}, "10.0.0.1", "10.0.0.2"),
    ],
)
def test_only_configured_proxies_are_trusted(environ, proxy, other):
    access = Access.from_environ(environ, OPEN)
    assert access.is_proxy(proxy) and not access.is_proxy(other)


@pytest.mark.parametrize("environ", [{}, {"FORWARDED_ALLOW_IPS": ""}])
def test_no_proxy_is_trusted_by_default(environ):
    assert not Access.from_environ(environ, LOCAL).is_proxy("127.0.0.1")


def test_malformed_proxy_is_reported():
    with pytest.raises(TrazoError, match=r"^FORWARDED_ALLOW_IPS is 'nginx' .*; write the proxy's address or network"):
        Access.from_environ({"FORWARDED_ALLOW_IPS": "nginx"}, LOCAL)
