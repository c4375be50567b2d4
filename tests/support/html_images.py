"""Images inside HTML."""

import re
from base64 import b64decode

import cv2
import numpy as np


def decode_images(html: str) -> list[np.ndarray]:
    """Decode the embedded PNG images: uint8, gray (h, w) or BGR (h, w, 3)."""
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [cv2.imdecode(np.frombuffer(b64decode(one), np.uint8), cv2.IMREAD_UNCHANGED) for one in found]
