"""Decode images and turn free drawings into network inputs."""

import os

MAX_PIXELS = 64_000_000  # an image with more pixels is refused before it is decoded


def _import_opencv() -> None:
    """Load OpenCV with our limits, and leave the environment as it was.

    OpenCV reads them once, when it is loaded. Its package adds a folder to the search path of libraries, which has
    no effect in a process that runs already.
    """
    limits = dict.fromkeys([f"OPENCV_IO_MAX_IMAGE_{name}" for name in ("PIXELS", "WIDTH", "HEIGHT")], str(MAX_PIXELS))
    before = {name: os.environ.get(name) for name in (*limits, "LD_LIBRARY_PATH")}
    os.environ.update(limits)  # another program's would refuse images that can be read
    import cv2  # noqa: F401 - every module of this package imports it after this

    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


_import_opencv()
