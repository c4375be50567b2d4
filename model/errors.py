"""The one exception that a person's mistake or a damaged file ends in."""


class TrazoError(Exception):
    """A request that cannot be met; its text is one line that says what was asked and what is possible."""


class ModelError(TrazoError):
    """A model that cannot be loaded: its text names the file and the reason."""


class StreamError(TrazoError):
    """The network, a disk or a file of the dataset failed in the middle; the same command goes on once it is mended."""
