"""A small image with two edges."""

import numpy as np

BARS = np.zeros((12, 16), np.uint8)
BARS[:, 4:8] = 200  # a bright bar; at its right side bright becomes dark
