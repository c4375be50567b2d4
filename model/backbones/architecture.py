"""What a backbone consists of, under the names that timm gives its tensors; and the layers of Keras for it.

A unit whose convolution is `blocks.1.0.conv_pw` has the kernel that timm stores as `blocks.1.0.conv_pw.weight`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from model.normalizations import NORMALIZATION_WEIGHTS

EPSILON = 1e-5  # of normalizations, as in PyTorch
MOMENTUM = 0.9  # Keras' word for PyTorch's 0.1


@dataclass(frozen=True)
class Unit:
    """A convolution without a bias, its batch normalization, and an activation if there is one."""

    convolution: str  # name of its tensor in timm, without `.weight`
    normalization: str  # the same, of its normalization
    filters: int  # feature maps that it makes; of a depthwise convolution as many as there are
    kernel_px: int = 1
    stride: int = 1
    activation: str = ""
    depthwise: bool = False  # each feature map has its own kernel, and no other input


@dataclass(frozen=True)
class Block:
    """Units one after another, and what is added to their output."""

    name: str
    units: tuple[Unit, ...]
    shortcut: tuple[Unit, ...] | None = None  # from the block's input to the sum; empty: the input itself; None: no sum
    activation: str = ""  # of the sum
    ends_with_pooling: bool = False  # the largest of 3 x 3 values, with a stride of 2
    ends_stage: bool = False  # whether its output gives features

    @property
    def filters(self) -> int:
        """Return how many feature maps come out."""
        return self.units[-1].filters

    @property
    def output(self) -> str:
        """Return the name of the layer whose output is the block's."""
        if self.activation:
            return f"{self.name}.{self.activation}"
        return f"{self.name}.add" if self.shortcut is not None else layer_names(self.units[-1])[-1]


@dataclass(frozen=True)
class Architecture:
    """A network without its classifier, and without what only the classifier needs.

    Its features are the means of the feature maps of all its stages, from edges and textures to parts of objects.

    Attributes:
        name: of timm.
        blocks: in order.
    """

    name: str
    blocks: tuple[Block, ...]

    @property
    def features(self) -> int:
        """Return how many features an image has."""
        return sum(block.filters for block in self._ends)

    @property
    def outputs(self) -> list[str]:
        """Return the names of the layers whose outputs are the stages' feature maps."""
        return [block.output for block in self._ends]

    @property
    def _ends(self) -> list[Block]:
        return [block for block in self.blocks if block.ends_stage]

    @property
    def kernel_shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """Return the shape of each convolution's kernel, by the layer's name: height, width, inputs, filters.

        A depthwise convolution has inputs and a 1 in the last two places, as in Keras.
        """
        return {
            unit.convolution: (
                unit.kernel_px,
                unit.kernel_px,
                inputs,
                1 if unit.depthwise else unit.filters,
            )
            for unit, inputs, _ in self._units()
        }

    @property
    def depthwise(self) -> frozenset[str]:
        """Return the names of the convolutions in which each map has its own kernel."""
        return frozenset(unit.convolution for unit, _, _ in self._units() if unit.depthwise)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight, by its path in the Keras network."""
        shapes: dict[str, tuple[int, ...]] = {f"{name}/kernel": shape for name, shape in self.kernel_shapes.items()}
        for unit, _, _ in self._units():
            for part in NORMALIZATION_WEIGHTS["batch"]:
                shapes[f"{unit.normalization}/{part}"] = (unit.filters,)
        return shapes

    def largest_map(self, height: int, width: int) -> int:
        """Return how many numbers the largest layer's feature maps hold, for one image of this size."""
        sizes = [(-(-height // times) * -(-width // times), unit.filters) for unit, _, times in self._units()]
        return max(places * filters for places, filters in sizes)

    @property
    def shrinking(self) -> int:
        """Return how many times fewer rows and columns the feature maps have than the image."""
        return [shrinking for _, _, shrinking in self._units()][-1]

    def _units(self) -> Iterator[tuple[Unit, int, int]]:
        """Yield each unit with the number of maps it takes, and how many times smaller than the image its own are."""
        channels, shrinking = 3, 1
        for block in self.blocks:
            inputs, at_start = channels, shrinking
            for unit in block.units:
                shrinking *= unit.stride
                yield unit, channels, shrinking
                channels = unit.filters
            for unit in block.shortcut or ():
                at_start *= unit.stride
                yield unit, inputs, at_start
                inputs = unit.filters
            shrinking *= 2 if block.ends_with_pooling else 1


def layer_names(unit: Unit) -> tuple[str, ...]:
    """Return the names of a unit's Keras layers, in order."""
    activation = (f"{unit.normalization}.{unit.activation}",) if unit.activation else ()
    return unit.convolution, unit.normalization, *activation
