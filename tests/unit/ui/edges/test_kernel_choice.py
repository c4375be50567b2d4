"""A kernel that was chosen: by name, by hand, or from the network."""

import numpy as np
import pytest

from ui.edges.kernel_choice import choose_learned, choose_named, choose_own
from ui.edges.kernels import KERNELS
from ui.i18n import UserError


def test_choose_named_output_follows_the_kind_of_kernel():
    rows = {name: kernel.tolist() for name, kernel in KERNELS.items()}
    assert choose_named("blur", rows["sobel"]).output == "gray"
    assert choose_named("sobel", rows["blur"]).output == "binary"
    assert choose_named("sobel", rows["vertical"]).output is None
    assert choose_named("sobel", rows["vertical"]).rows == rows["sobel"]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_choose_named_after_an_edited_kernel_sets_the_output(name, weight):
    """An edited kernel may be shown in either way: its weights say nothing about that."""
    edited = [[weight, 0.25, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert choose_named(name, edited).output == ("gray" if name in ("sharpen", "blur", "emboss") else "binary")


def test_choose_own_side_is_the_nearest_editable_one():
    assert [len(choose_own(np.ones((side, side)).tolist()).rows) for side in (1, 3, 5, 9)] == [3, 3, 5, 5]
    with pytest.raises(UserError):
        choose_own([[1, 2]])


def test_choose_learned_shows_the_sums_in_two_colors():
    choice = choose_learned(np.ones((3, 3, 4, 8), np.float32), 9, 9)
    assert (choice.inputs, np.shape(choice.rows)) == (4, (3, 3))
    assert (choice.output, choice.sign, choice.operation) == ("gray", "signed", "correlation")


def test_choose_named_after_a_learned_kernel_undoes_what_that_changed():
    choice = choose_named("vertical", choose_learned(np.ones((3, 3, 1, 2), np.float32), 1, 1).rows, was_learned=True)
    assert (choice.output, choice.sign, choice.operation) == ("binary", "clipped", "convolution")
