"""Folders of images, written for a test."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.datasets import random_images
from training.stream import HubStream

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 30417\n"
(IMAGE,) = random_images(1, (2, 2))


def write_files(root: Path, files: Mapping[str, int | bytes | str]) -> str:
    """Write files below a folder; returns the folder.

    Args:
        root: made if it does not exist.
        files: path -> content; or path of a folder -> number of images to write into it.
    """
    for name, content in files.items():
        path = root / name
        if isinstance(content, int):
            path.mkdir(parents=True, exist_ok=True)
            for number in range(content):
                (path / f"{number:03}.png").write_bytes(IMAGE)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(root)


def left_out(stream: HubStream) -> dict[str, int]:
    """Return reason -> number of files, of what a stream's folder holds and the stream does not."""
    return {one.reason: one.count for one in stream.source.folder.left_out}
