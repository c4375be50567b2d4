"""Port numbers from the environment."""

import pytest

from model.errors import TrazoError
from model.ports import parse_port


def test_parse_port_number_is_returned():
    assert (parse_port("1", "PORT"), parse_port("65535", "PORT")) == (1, 65535)


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "7.5", "²", "٧", "http"])
def test_parse_port_other_text_is_refused(text):
    with pytest.raises(TrazoError, match=f"PORT must be a number from 1 to 65535, not '{text}'"):
        parse_port(text, "PORT")
