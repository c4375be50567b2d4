"""Find the image that a name in a metadata file means."""

from collections.abc import Sequence
from unicodedata import normalize

from training.data.folders.listing import File, Folder

SEVERAL = -1


class FileNames:
    """Finds images by their names: by the path, in any case, else by the name alone if only one image has it."""

    def __init__(self, images: Sequence[File]) -> None:
        """Keep the images of a dataset."""
        self._images = images
        self._known: dict[Folder, tuple[dict[str, int], dict[str, int]]] = {}

    def find(self, folder: Folder, name: str) -> int | None:
        """Return the position of an image.

        Args:
            folder: that the name is relative to.
            name: from `normal_name`.

        Returns:
            the position; `SEVERAL` if the name fits several images, None if it fits none.
        """
        if folder not in self._known:
            self._known[folder] = self._names_below(folder)
        paths, endings = self._known[folder]
        if name in paths:
            return paths[name]
        base = name.rpartition("/")[2].casefold()
        return next((endings[key] for key in (name.casefold(), base, f"{base}.") if key in endings), None)

    def _names_below(self, folder: Folder) -> tuple[dict[str, int], dict[str, int]]:
        depth = len(folder)
        paths, endings = dict[str, int](), dict[str, int]()
        for position, image in enumerate(self._images):
            if image.folder[:depth] == folder:
                relative = normal_name("/".join((*image.folder[depth:], image.name)))
                paths[relative] = position
                base = normal_name(image.name).casefold()
                for key in (relative, relative.casefold(), image.name, base, f"{base.rpartition('.')[0]}."):
                    endings[key] = position if endings.get(key, position) == position else SEVERAL
        return paths, endings


def normal_name(name: object) -> str:
    """Return a file name with slashes and composed characters (NFC); None becomes nothing.

    >>> normal_name(".\\\\a\\\\1.png "), normal_name(None)
    ('a/1.png', '')
    """
    text = "" if name is None else str(name)
    parts = [part for part in text.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    return normalize("NFC", "/".join(parts))
