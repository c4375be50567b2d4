"""The formats of image files that are read: the same in training, evaluation, `predict` and the demo.

A file is recognized by its first bytes, not by its name, before any decoder sees it. So no decoder of another format
can be reached; Pillow has one for PostScript that would start another program.
"""

from PIL import Image

from model.image_formats import ENDINGS, FORMATS, HEAD_BYTES, READABLE_FORMATS, find_format

__all__ = [
    "ENDINGS",
    "FORMATS",
    "HEAD_BYTES",
    "ImageError",
    "TooCostlyError",
    "TooManyPixelsError",
    "check_format",
    "find_format",
    "register_heif",
]

# What is found in the place of images, recognized for its message only.
OTHER_FILES = (
    (b"version https://git-lfs.github.com/spec/", "a pointer of Git LFS, not the file: run `git lfs pull`"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\0\0\x01\0", "an icon file"),
    (b"\x93NUMPY", "a NumPy array"),
)


class ImageError(ValueError):
    """An image that cannot be read or is of a kind that is not supported."""


class TooCostlyError(ImageError):
    """An image that would take too much time or memory to decode."""


class TooManyPixelsError(TooCostlyError):
    """An image that announces more than `MAX_PIXELS`."""


def check_format(head: bytes) -> str:
    """Return what `find_format` finds.

    Raises:
        ImageError: if it is none of `FORMATS`, or one whose decoder is not installed.
    """
    name = find_format(head)
    if name is None:
        found = next((kind for start, kind in OTHER_FILES if head.startswith(start)), "" if head else "an empty file")
        raise ImageError(f"{found and found + ', '}not an image of a known format ({READABLE_FORMATS})")
    if name == "HEIF":
        register_heif()
    return name


def register_heif() -> None:
    """Let Pillow read HEIC, the photographs of phones; called once there is one, since the import takes a while.

    Raises:
        ImageError: if the package is not installed.
    """
    if "HEIF" in Image.OPEN:
        return
    try:
        import pillow_heif
    except ImportError:
        raise ImageError("a HEIC image; to read it, run `pip install pillow-heif`") from None
    pillow_heif.register_heif_opener()
