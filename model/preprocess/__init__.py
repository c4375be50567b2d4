"""Decode images and turn free drawings into network inputs."""

import os

MAX_PIXELS = 64_000_000  # an image with more pixels is refused before it is decoded


def _import_opencv() -> None:
    """Load OpenCV with our limit: it reads the variable once, when it is loaded, so the variable is not kept."""
    name = "OPENCV_IO_MAX_IMAGE_PIXELS"
    is_ours = name not in os.environ
    os.environ.setdefault(name, str(MAX_PIXELS))
    import cv2  # noqa: F401 - every module of this package imports it after this

    if is_ours:
        del os.environ[name]


_import_opencv()
