"""Formats of image files, recognized by their first bytes. Imports nothing: listings of folders need no decoder."""

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
