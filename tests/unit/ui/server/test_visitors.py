"""Who sent a request."""

from types import SimpleNamespace

import pytest

from ui.server.visitors import visitor_at, visitor_of


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
