"""Which values of a dataset's image files are black and white: one decision per dataset, part of the network's config.

It stands next to `scaling` because reading a config must not load OpenCV, as importing `model.preprocess` does.
"""

from dataclasses import dataclass

from model.errors import TrazoError

# Gray levels that transparency is placed on: white, black, or gray where both hide images.
BACKGROUND_NAMES = {"white": 255, "black": 0, "gray": 128}
BACKGROUNDS = tuple(BACKGROUND_NAMES.values())
WHITE_LEVELS = tuple(2**bits - 1 for bits in range(8, 17))


@dataclass(frozen=True)
class PixelFormat:
    """How the pixels of a dataset's files become gray levels 0 … 255.

    A camera stores 10, 12 or 14 bits in files of 16, and icons are white or black on nothing. With one rule for all
    datasets such images would be black, or white on white. `choose_pixel_format` chooses for a dataset.

    Raises:
        TrazoError: if a value is not one of those listed.

    Example:
        >>> PixelFormat(background=0, white_level=4095)  # white icons; a camera of 12 bits
        PixelFormat(background=0, white_level=4095)
    """

    background: int = 255  # the gray level, one of `BACKGROUNDS`, that transparent images are placed on
    white_level: int = 65535  # the value of white in 16-bit images, one of `WHITE_LEVELS`; higher values are white, too

    def __post_init__(self) -> None:
        """Refuse other values."""
        for name, allowed in (("background", BACKGROUNDS), ("white_level", WHITE_LEVELS)):
            value = getattr(self, name)
            if type(value) is not int or value not in allowed:
                raise TrazoError(f"{name} must be one of {', '.join(map(str, sorted(allowed)))}, not {value!r}")


def white_level_for(brightest: int) -> int:
    """Return the smallest of `WHITE_LEVELS` that covers a value of 16 bits.

    Example:
        >>> white_level_for(2600)
        4095
    """
    return max(WHITE_LEVELS[0], (1 << int(brightest).bit_length()) - 1)
