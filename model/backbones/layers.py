"""Layers as PyTorch computes them, under the names that timm gives their tensors.

A layer `blocks.1.0.conv_pw` has the kernel that timm stores as `blocks.1.0.conv_pw.weight`.
"""

from model.backend import keras

layers = keras.layers
EPSILON = 1e-5  # of normalizations, as in PyTorch
MOMENTUM = 0.9  # Keras' word for PyTorch's 0.1


def add_convolution(
    x: keras.KerasTensor, filters: int, kernel_px: int, stride: int, name: str, depthwise: bool = False
) -> keras.KerasTensor:
    """Add a convolution without a bias, with zeros around the image on all sides alike.

    Keras' own padding "same" would put the odd row and column of a stride of 2 on the lower right; a network that was
    trained with PyTorch expects them on the upper left.

    Args:
        x: feature maps (n, height, width, channels).
        filters: feature maps that it makes; of a depthwise convolution as many as there are.
        kernel_px: side of the kernel.
        stride: in both directions.
        name: of its tensor in timm, without `.weight`.
        depthwise: whether each feature map has a kernel of its own, and no other input.
    """
    border_px = kernel_px // 2
    if border_px and stride > 1:
        x = layers.ZeroPadding2D(border_px, name=f"{name}.pad")(x)
    padding = "valid" if stride > 1 else "same"
    if depthwise:
        return layers.DepthwiseConv2D(kernel_px, stride, padding, use_bias=False, name=name)(x)
    return layers.Conv2D(filters, kernel_px, stride, padding, use_bias=False, name=name)(x)


def add_normalization(x: keras.KerasTensor, name: str, activation: str | None = None) -> keras.KerasTensor:
    """Add a batch normalization, and an activation after it."""
    x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=name)(x)
    return layers.Activation(activation, name=f"{name}.{activation}")(x) if activation else x
