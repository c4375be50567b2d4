"""EfficientNet-Lite0: inverted bottlenecks without squeeze-and-excitation, for phones.

Sources: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; Liu 2020,
"Higher accuracy on vision models with EfficientNet-Lite" (TensorFlow blog), for what Lite leaves out; Sandler, Howard,
Zhu, Zhmoginov and Chen 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", for the block.
"""

from dataclasses import dataclass

from model.backbones.layers import add_convolution, add_normalization, layers
from model.backend import keras

STEM_FILTERS, HEAD_FILTERS = 32, 1280
ACTIVATION = "relu6"


@dataclass(frozen=True)
class Stage:
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


def add_efficientnet_lite0(x: keras.KerasTensor) -> keras.KerasTensor:
    """Add the network without its classifier.

    Args:
        x: scaled images, float32 (n, height, width, 3).

    Returns:
        feature maps, float32 (n, height / 32, width / 32, 1280), sizes rounded up.
    """
    x = add_convolution(x, STEM_FILTERS, 3, 2, "conv_stem")
    x = add_normalization(x, "bn1", ACTIVATION)
    for number, stage in enumerate(STAGES):
        for repeat in range(stage.repeats):
            x = _add_block(x, stage, stage.stride if repeat == 0 else 1, f"blocks.{number}.{repeat}")
    x = add_convolution(x, HEAD_FILTERS, 1, 1, "conv_head")
    return add_normalization(x, "bn2", ACTIVATION)


def _add_block(x: keras.KerasTensor, stage: Stage, stride: int, name: str) -> keras.KerasTensor:
    """Widen, convolve each feature map alone, narrow; add the input where it has the same shape."""
    inputs = x
    channels = x.shape[-1]
    if stage.expansion > 1:
        x = add_convolution(x, channels * stage.expansion, 1, 1, f"{name}.conv_pw")
        x = add_normalization(x, f"{name}.bn1", ACTIVATION)
        middle, narrow, last = "bn2", "conv_pwl", "bn3"
    else:
        middle, narrow, last = "bn1", "conv_pw", "bn2"
    x = add_convolution(x, x.shape[-1], stage.kernel_px, stride, f"{name}.conv_dw", depthwise=True)
    x = add_normalization(x, f"{name}.{middle}", ACTIVATION)
    x = add_convolution(x, stage.filters, 1, 1, f"{name}.{narrow}")
    x = add_normalization(x, f"{name}.{last}")
    if stride == 1 and channels == stage.filters:
        x = layers.Add(name=f"{name}.add")([inputs, x])
    return x
