"""What happens to the edges tab's kernel when another one is chosen."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ui.edges.kernels import KERNELS, keeps_brightness, kernel_name, kernel_plane, resize_kernel, validate_kernel

EDITABLE_SIDES_PX = (3, 5)  # of kernels whose weights are typed


@dataclass(frozen=True)
class KernelChoice:
    """A chosen kernel, and what its choice means for the other controls."""

    rows: list[list[float]]
    output: Literal["gray", "binary"] | None = None  # how to show the sums from now on; None: as before
    sign: Literal["signed", "clipped"] | None = None  # how to show negative sums; None: as before
    operation: Literal["convolution", "correlation"] | None = None  # None: as before
    inputs: int | None = None  # of a learned kernel's layer


def choose_named(name: str, previous_rows: Any, was_learned: bool = False) -> KernelChoice:
    """Choose a kernel of `KERNELS`.

    A threshold leaves only noise of a blurred or sharpened image, so such kernels show the values, and edge kernels
    what is above the threshold. Between named kernels of the same kind the output stays as the user chose it.

    Args:
        name: in `KERNELS`.
        previous_rows: the kernel before, (side, side); one that was edited or learned may be shown in either way.
        was_learned: whether it was a learned one, with which the operation and the colors changed, too.

    Raises:
        UserError: if the previous kernel is not valid.
    """
    kernel, previous = KERNELS[name], validate_kernel(previous_rows)
    if kernel_name(previous) and keeps_brightness(kernel) == keeps_brightness(previous):
        return KernelChoice(kernel.tolist())
    output: Literal["gray", "binary"] = "gray" if keeps_brightness(kernel) else "binary"
    if was_learned:
        return KernelChoice(kernel.tolist(), output, "clipped", "convolution")
    return KernelChoice(kernel.tolist(), output)


def choose_own(previous_rows: Any) -> KernelChoice:
    """Start an editable kernel from the previous one, with the nearest side of `EDITABLE_SIDES_PX`.

    Raises:
        UserError: if the previous kernel is not valid.
    """
    kernel = validate_kernel(previous_rows)
    side = min(EDITABLE_SIDES_PX, key=lambda side: abs(side - len(kernel)))
    return KernelChoice(resize_kernel(kernel, side).tolist())


def choose_learned(kernel: np.ndarray, filter_: int, input_: int) -> KernelChoice:
    """Choose a kernel of the network's first layer, and apply it as the network does: not turned.

    Kernels of deeper layers see feature maps, and never a photo.

    Args:
        kernel: float32 (side, side, inputs, filters), of the layer.
        filter_: see `kernel_plane`.
        input_: see `kernel_plane`.
    """
    rows = kernel_plane(kernel, filter_, input_).tolist()
    return KernelChoice(rows, "gray", "signed", "correlation", inputs=kernel.shape[2])
