"""The exceptions for users: each has one line of text that says what is wrong and what to do."""

from model.console import escape_controls

MAX_MESSAGE_CHARS = 2000  # of a text


class TrazoError(Exception):
    """A request that cannot be met; its text is one line that says what was asked and what is possible.

    Attributes:
        exit_code: of a command that ends with it.
    """

    exit_code = 2

    def __init__(self, text: str) -> None:
        """Cut a text to one short line: names and values in it may come from an untrusted file."""
        if len(text) > MAX_MESSAGE_CHARS:
            text = f"{text[: MAX_MESSAGE_CHARS // 2]} … {text[-MAX_MESSAGE_CHARS // 2 + 3 :]}"
        super().__init__(escape_controls(text, kept=""))  # a line break would hide the reason


class ModelError(TrazoError):
    """A model that cannot be loaded: its text names the file and the reason."""


class StreamError(TrazoError):
    """The network, a disk or a file of the dataset failed; once it is fixed, the same command resumes."""


class CorruptFileError(TrazoError, ValueError):
    """A damaged file of a run; the text names it and says what to do."""
