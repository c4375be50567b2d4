"""ResNet-18: pairs of convolutions with a shortcut past each.

Source: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition".
"""

from model.backbones.layers import add_convolution, add_normalization, layers
from model.backend import keras

FILTERS = (64, 128, 256, 512)
BLOCKS = 2  # of each number of filters


def add_resnet18(x: keras.KerasTensor) -> keras.KerasTensor:
    """Add the network without its classifier.

    Args:
        x: scaled images, float32 (n, height, width, 3).

    Returns:
        feature maps, float32 (n, height / 32, width / 32, 512), sizes rounded up.
    """
    x = add_convolution(x, FILTERS[0], 7, 2, "conv1")
    x = add_normalization(x, "bn1", "relu")
    # No value is below 0 after a ReLU, so zeros around the image are never the largest.
    x = layers.MaxPooling2D(3, 2, name="maxpool")(layers.ZeroPadding2D(1, name="maxpool.pad")(x))
    for stage, filters in enumerate(FILTERS, 1):
        for block in range(BLOCKS):
            x = _add_block(x, filters, 2 if stage > 1 and block == 0 else 1, f"layer{stage}.{block}")
    return x


def _add_block(x: keras.KerasTensor, filters: int, stride: int, name: str) -> keras.KerasTensor:
    shortcut = x
    x = add_convolution(x, filters, 3, stride, f"{name}.conv1")
    x = add_normalization(x, f"{name}.bn1", "relu")
    x = add_convolution(x, filters, 3, 1, f"{name}.conv2")
    x = add_normalization(x, f"{name}.bn2")
    if stride > 1:
        shortcut = add_convolution(shortcut, filters, 1, stride, f"{name}.downsample.0")
        shortcut = add_normalization(shortcut, f"{name}.downsample.1")
    return layers.Activation("relu", name=f"{name}.relu")(layers.Add(name=f"{name}.add")([shortcut, x]))
