"""The formats of image files that are read: the same in training, evaluation, `predict` and the demo.

A file is recognized by its first bytes, not by its name, before any decoder sees it. So no decoder of another format
can be reached; Pillow has one for PostScript that would start another program.
"""

from PIL import Image

# Pillow's name of each format -> the endings of its files, as listings of folders know them.
ENDINGS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
}
FORMATS = tuple(ENDINGS)
READABLE_FORMATS = "PNG, JPEG, WebP, GIF, BMP, TIFF, PPM, AVIF, HEIC"  # for messages

HEAD_BYTES = 64  # of a file: enough for `find_format`
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    *((start, "TIFF") for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
)
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
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


def find_format(head: bytes) -> str | None:
    """Return Pillow's name for a file's format, one of `FORMATS`; None for any other.

    Args:
        head: the file's first `HEAD_BYTES`, or all of it.

    Example:
        >>> find_format(b"GIF89a...")
        'GIF'
    """
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in (b"1", b"2", b"3", b"4", b"5", b"6") and head[2:3].isspace():
        return "PPM"
    if head[4:8] == b"ftyp":
        brands = [head[at : at + 4] for at in range(8, min(int.from_bytes(head[:4]), HEAD_BYTES), 4)]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        if any(brand in HEIF_BRANDS for brand in brands):
            return "HEIF"
    return None


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
