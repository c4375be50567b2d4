"""Which known kernel a learned one is like."""

import numpy as np
import pytest

from ui.edges.kernels import KERNELS
from ui.edges.likeness import COMPARED, nearest_kernel


@pytest.mark.parametrize("name", COMPARED)
def test_nearest_kernel_of_a_known_one_is_itself(name):
    for turns in range(4):
        found, cosine = nearest_kernel(np.rot90(KERNELS[name], turns) * -0.013)
        assert found == name and cosine == 1


def test_nearest_kernel_of_a_noisy_one_is_less_alike():
    noise = np.random.default_rng(0).normal(0, 0.4, (3, 3))
    name, cosine = nearest_kernel(KERNELS["sobel"] + noise)
    assert name == "sobel" and 0.8 < cosine < 1


@pytest.mark.parametrize("kernel", [np.ones((3, 3)), np.zeros((3, 3)), np.ones((5, 5)), np.eye(3)[::-1] - np.eye(3)])
def test_nearest_kernel_of_another_form_is_none(kernel):
    assert nearest_kernel(kernel) is None
