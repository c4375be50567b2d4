"""Views of an image whose answers are averaged."""

import numpy as np
import pytest

from model.views import VIEWS, other_views

IMAGE = np.arange(2 * 64 * 96 * 3, dtype=np.float32).reshape(2, 64, 96, 3)


@pytest.mark.parametrize(("name", "count"), [(None, 0), ("mirror", 1), ("shift", 2), ("mirror-shift", 5)])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (32, 32)])
def test_views_are_as_many_as_their_name_says_and_as_large(name, count, shape):
    views = other_views(np.zeros((4, *shape, 3), np.float32), name)
    assert [view.shape for view in views] == [(4, *shape, 3)] * count
    assert name is None or name in VIEWS


def test_views_mirror_swaps_left_and_right():
    (mirrored,) = other_views(IMAGE, "mirror")
    assert (mirrored[:, :, 0] == IMAGE[:, :, -1]).all()


def test_views_shift_moves_by_a_share_of_the_side_and_reflects_the_border():
    up_left, down_right = other_views(IMAGE, "shift")
    assert (up_left[:, :-2, :-3] == IMAGE[:, 2:, 3:]).all() and (down_right[:, 2:, 3:] == IMAGE[:, :-2, :-3]).all()
    assert (up_left[:, -1, :-3] == IMAGE[:, -3, 3:]).all() and (down_right[:, 0, 3:] == IMAGE[:, 2, :-3]).all()


def test_views_both_also_mirror_the_shifted_images():
    shifted, both = other_views(IMAGE, "shift"), other_views(IMAGE, "mirror-shift")
    assert all((one == other).all() for one, other in zip(shifted, both, strict=False))
    assert (both[3] == shifted[0][:, :, ::-1]).all()
