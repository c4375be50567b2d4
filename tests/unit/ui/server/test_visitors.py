"""Who sent a request."""

from types import SimpleNamespace

import pytest

from ui.server.visitors import VISITOR_HEADER, OwnRequests, visitor_at, visitor_of


@pytest.mark.parametrize(
    ("host", "visitor"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::2", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("x" * 9000, "x" * 64),
        ("", ""),
    ],
)
def test_visitor_at_address_is_who_has_it(host, visitor):
    assert visitor_at(host) == visitor


def test_visitor_of_request_is_who_is_at_its_address():
    assert visitor_of(SimpleNamespace(client=SimpleNamespace(host="192.0.2.7"))) == "192.0.2.7"
    assert visitor_of(SimpleNamespace(client=None)) == visitor_of(None) == ""


@pytest.mark.parametrize("visitor", ["192.0.2.7", "2001:db8::/64", "name of a proxy", ""])
def test_own_request_is_that_of_the_visitor_who_asked(visitor):
    own = OwnRequests()
    scope = {"client": ("192.0.2.7", 1), "headers": [(b"host", b"localhost")]}
    own.sign(scope, visitor)
    scope["client"] = ("127.0.0.1", 2)  # the page, which asks with the same headers
    own.reveal(scope)
    assert visitor_of(SimpleNamespace(client=SimpleNamespace(host=scope["client"][0]))) == visitor
    assert scope["headers"] == [(b"host", b"localhost")]


@pytest.mark.parametrize("written", [b"192.0.2.8", b" 192.0.2.8", b"0" * 32 + b" 192.0.2.8", b"", b"\xff\xfe"])
def test_own_request_of_anybody_else_is_not_believed(written):
    scope = {"client": ("192.0.2.7", 1), "headers": [(VISITOR_HEADER, written)]}
    OwnRequests().reveal(scope)
    assert scope == {"client": ("192.0.2.7", 1), "headers": []}
