"""An architecture -> layers of Keras, which have timm's names."""

from model.backend import keras

from model.backbones.architecture import EPSILON, MOMENTUM, Architecture, Block, Unit, layer_names

layers = keras.layers


def add_backbone(x: keras.KerasTensor, architecture: Architecture) -> list[keras.KerasTensor]:
    """Add a network without its classifier.

    Args:
        x: scaled images, float32 (n, height, width, 3).
        architecture: of the network.

    Returns:
        the feature maps of each stage, float32 (n, smaller height, smaller width, maps), as `architecture.outputs`.
    """
    stages = []
    for block in architecture.blocks:
        x = _add_block(x, block)
        if block.ends_stage:
            stages.append(x)
    return stages


def _add_block(x: keras.KerasTensor, block: Block) -> keras.KerasTensor:
    inputs = x
    for unit in block.units:
        x = _add_unit(x, unit)
    if block.shortcut is not None:
        for unit in block.shortcut:
            inputs = _add_unit(inputs, unit)
        x = layers.Add(name=f"{block.name}.add")([inputs, x])
    if block.activation:
        x = layers.Activation(block.activation, name=f"{block.name}.{block.activation}")(x)
    if block.ends_with_pooling:
        # No value is below 0 after a ReLU, so zeros around the image are never the largest.
        x = layers.ZeroPadding2D(1, name=f"{block.name}.pad")(x)
        x = layers.MaxPooling2D(3, 2, name=f"{block.name}.pool")(x)
    return x


def _add_unit(x: keras.KerasTensor, unit: Unit) -> keras.KerasTensor:
    """Add the layers of a unit.

    The zeros around an image are on all sides alike. Keras' own padding "same" would put the odd row and column of a
    stride of 2 on the lower right; a network that was trained with PyTorch expects them on all sides.
    """
    padding = "same"
    if unit.stride > 1:
        padding = "valid"
        if unit.kernel_px > 1:
            x = layers.ZeroPadding2D(unit.kernel_px // 2, name=f"{unit.convolution}.pad")(x)
    options = {"padding": padding, "use_bias": False, "name": unit.convolution}
    if unit.depthwise:
        x = layers.DepthwiseConv2D(unit.kernel_px, unit.stride, **options)(x)
    else:
        x = layers.Conv2D(unit.filters, unit.kernel_px, unit.stride, **options)(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=unit.normalization)(x)
    if unit.activation:
        x = layers.Activation(unit.activation, name=layer_names(unit)[-1])(x)
    return x
