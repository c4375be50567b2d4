"""Port numbers from the environment."""

from model.errors import TrazoError


def parse_port(text: str, name: str) -> int:
    """Return a port number.

    Args:
        text: value of an environment variable.
        name: of the variable, for the message.

    Raises:
        TrazoError: if the text is not a number from 1 to 65535.
    """
    # ASCII only: `isdigit` is true for other digits as well, some of which `int` refuses.
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16):
        raise TrazoError(f"{name} must be a number from 1 to 65535, not {text!r}")
    return int(text)
