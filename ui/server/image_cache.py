"""Images to be served: PNG files in the folder of uploads, from which Gradio serves them."""

from ui.server.temp_files import TEMP_FILES


def save_png(encoded: bytes, visitor: str) -> str:
    """Save an image where Gradio serves it from, and return the path.

    Gradio would overwrite the file of an equal image while another visitor may be reading it: the photos of the edges
    tab are the same for everyone.

    Args:
        encoded: a PNG.
        visitor: for whom; see `TempFiles.writing`.

    Raises:
        StorageFullError: if the quota of files, or the visitor's share, is used up.
    """
    return str(TEMP_FILES.save(encoded, "image.png", visitor))
