"""What a backbone consists of, under the names that timm gives its tensors; and the layers of Keras for it.

A unit whose convolution is `blocks.1.0.conv_pw` has the kernel that timm stores as `blocks.1.0.conv_pw.weight`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from model.config import NORMALIZATION_WEIGHTS

EPSILON = 1e-5  # of normalizations, as in PyTorch
MOMENTUM = 0.9  # Keras' word for PyTorch's 0.1


@dataclass(frozen=True)
class Unit:
    """A convolution without a bias, its batch normalization, and an activation if there is one."""

    convolution: str  # name of its tensor in timm, without `.weight`
    normalization: str  # the same
    filters: int  # feature maps that it makes; of a depthwise convolution as many as there are
    kernel_px: int = 1
    stride: int = 1
    activation: str = ""
    depthwise: bool = False  # each feature map has a kernel of its own, and no other input


@dataclass(frozen=True)
class Block:
    """Units one after another, and what is added to their output."""

    name: str
    units: tuple[Unit, ...]
    shortcut: tuple[Unit, ...] | None = None  # from the block's input to the sum; empty: the input itself; None: no sum
    activation: str = ""  # of the sum
    ends_with_pooling: bool = False  # the largest of 3 x 3 values, with a stride of 2


@dataclass(frozen=True)
class Architecture:
    """A network without its classifier.

    Attributes:
        name: of timm.
        blocks: in order.
    """

    name: str
    blocks: tuple[Block, ...]

    @property
    def features(self) -> int:
        """Return how many feature maps come out."""
        return self.blocks[-1].units[-1].filters

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight, by its path in the Keras network, in order."""
        shapes: dict[str, tuple[int, ...]] = {}
        for unit, inputs in self._units_with_inputs():
            inner = (inputs, 1) if unit.depthwise else (inputs, unit.filters)
            shapes[f"{unit.convolution}/kernel"] = (unit.kernel_px, unit.kernel_px, *inner)
            for part in NORMALIZATION_WEIGHTS["batch"]:
                shapes[f"{unit.normalization}/{part}"] = (unit.filters,)
        return shapes

    def _units_with_inputs(self) -> Iterator[tuple[Unit, int]]:
        channels = 3
        for block in self.blocks:
            inputs = channels
            for unit in block.units:
                yield unit, channels
                channels = unit.filters
            for unit in block.shortcut or ():
                yield unit, inputs
                inputs = unit.filters
