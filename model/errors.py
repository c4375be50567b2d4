"""The one exception that a person's mistake or a damaged file ends in."""

LONGEST = 2000  # characters of a text


class TrazoError(Exception):
    """A request that cannot be met; its text is one line that says what was asked and what is possible."""

    def __init__(self, text: str) -> None:
        """Keep a text to one short line: names and values in it may come from a stranger's file."""
        if len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 + 3 :]}"
        # A line break would hide the reason, an escape code command the terminal that shows it.
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


class ModelError(TrazoError):
    """A model that cannot be loaded: its text names the file and the reason."""


class StreamError(TrazoError):
    """The network, a disk or a file of the dataset failed in the middle; the same command goes on once it is mended."""


class CorruptFileError(TrazoError, ValueError):
    """A file of a run that cannot be used; the text names it and says what to do."""
