"""Paths as visitors see them: no folder of this machine leaves it.

Gradio writes the absolute path of each uploaded or made file into the page, its answers and their addresses, and
expects it back. Visitors get a name instead: `uploads/<hash>/<file>` stands for that file in Gradio's folder.
"""

import json
import re
from pathlib import Path
from urllib.parse import quote

PUBLIC_FOLDER = "uploads"
_GIVEN_PATH = re.compile(rb'("path"\s*:\s*")' + PUBLIC_FOLDER.encode() + rb"(?=[/\\])")
_FILE_ROUTE = re.compile(rf"(/gradio_api/file[=/]){PUBLIC_FOLDER}(?=[/\\])")
_ABSOLUTE_PATH = re.compile(r"(?<![\w:/.~-])(?:~|[A-Za-z]:)?[/\\](?:[^/\\\s'\"`:;,]+[/\\])+(?=[^/\\\s])")


class PublicPaths:
    """Translates between Gradio's folder and the name that visitors see.

    Example:
        >>> paths = PublicPaths("/home/ana/tmp")
        >>> paths.hide(b'{"path": "/home/ana/tmp/5f/a.png"}')
        b'{"path": "uploads/5f/a.png"}'
        >>> paths.reveal(b'{"path": "uploads/5f/a.png"}')
        b'{"path": "/home/ana/tmp/5f/a.png"}'
    """

    def __init__(self, folder: str) -> None:
        """Take Gradio's folder, an absolute path."""
        self._folder = folder.rstrip("/\\")
        in_json = [json.dumps(self._folder, ensure_ascii=ascii)[1:-1] for ascii in (True, False)]
        in_html = in_json[1].translate({ord(one): f"\\u{ord(one):04x}" for one in "<>&'"})
        written = {self._folder, quote(self._folder), *in_json, in_html}
        self._hidden = [
            ((one + end).encode(), (PUBLIC_FOLDER + end).encode()) for one in written for end in ("/", "\\")
        ]

    def hide(self, text: bytes) -> bytes:
        """Return JSON or HTML with the visitors' name for the folder."""
        for written, public in self._hidden:
            text = text.replace(written, public)
        return text

    def reveal(self, body: bytes) -> bytes:
        """Return an event's JSON with the folder itself."""
        folder = json.dumps(self._folder)[1:-1].encode()
        return _GIVEN_PATH.sub(lambda found: found[1] + folder, body)

    def reveal_path(self, path: str) -> str:
        """Return the path of a file in an answer with the folder itself."""
        is_public = path.startswith((f"{PUBLIC_FOLDER}/", f"{PUBLIC_FOLDER}\\"))
        return self._folder + path.removeprefix(PUBLIC_FOLDER) if is_public else path

    def reveal_route(self, path: str) -> str:
        """Return the path of a request for a file with the folder itself."""
        return _FILE_ROUTE.sub(lambda found: found[1] + self._folder, path, count=1)


def without_folders(text: str, *folders: str | Path) -> str:
    """Return a text for visitors: of each absolute path in it only the last part.

    Args:
        text: in any language.
        *folders: that may be in it; their names may hold spaces.

    Example:
        >>> without_folders("/home/ana/model/trazo.json has unknown keys")
        'trazo.json has unknown keys'
    """
    for folder in (str(one).rstrip("/") for one in folders):
        if folder:
            text = text.replace(f"{folder}/", "").replace(folder, Path(folder).name)
    return _ABSOLUTE_PATH.sub("", text)
