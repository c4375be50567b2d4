"""EfficientNet-Lite0: inverted bottlenecks without squeeze-and-excitation, for phones.

Sources: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; Liu 2020,
"Higher accuracy on vision models with EfficientNet-Lite" (TensorFlow blog), for what Lite leaves out; Sandler, Howard,
Zhu, Zhmoginov and Chen 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", for the block.
"""

from dataclasses import replace
from typing import NamedTuple

from model.backbones.architecture import Architecture, Block, Unit

STEM_FILTERS = 32
ACTIVATION = "relu6"


class Stage(NamedTuple):
    """Blocks of one kind; the first has the stride."""

    repeats: int
    kernel_px: int
    stride: int
    expansion: int  # feature maps inside a block, per input
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def efficientnet_lite0() -> Architecture:
    """Return the architecture: seven stages with 784 feature maps, the last ones 32 times smaller than the image.

    The last convolution of the paper's network, whose 1,280 maps only the classifier takes, is left out.
    """
    blocks = [Block("stem", (Unit("conv_stem", "bn1", STEM_FILTERS, 3, 2, ACTIVATION),))]
    inputs = STEM_FILTERS
    for number, stage in enumerate(STAGES):
        for repeat in range(stage.repeats):
            block = _inverted_bottleneck(inputs, stage, repeat == 0, f"blocks.{number}.{repeat}")
            blocks.append(replace(block, ends_stage=repeat == stage.repeats - 1))
            inputs = stage.filters
    return Architecture("efficientnet_lite0", tuple(blocks))


def _inverted_bottleneck(inputs: int, stage: Stage, is_first: bool, name: str) -> Block:
    """Widen, convolve each feature map alone, narrow; the input is added where it has the same shape."""
    stride, wide = stage.stride if is_first else 1, inputs * stage.expansion
    shortcut = () if stride == 1 and inputs == stage.filters else None
    names: tuple[tuple[str, str], ...]
    if stage.expansion == 1:
        names = ("conv_dw", "bn1"), ("conv_pw", "bn2")
    else:
        names = ("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")
    *widening, depthwise, narrowing = [(f"{name}.{convolution}", f"{name}.{norm}") for convolution, norm in names]
    units = [Unit(*one, wide, activation=ACTIVATION) for one in widening]
    units.append(Unit(*depthwise, wide, stage.kernel_px, stride, ACTIVATION, depthwise=True))
    units.append(Unit(*narrowing, stage.filters))
    return Block(name, tuple(units), shortcut)
