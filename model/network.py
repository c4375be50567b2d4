"""`build_network`: a CnnConfig -> a Keras network from raw pixels to probabilities (or a number)."""

from model.backend import keras, keras_defaults

from model.backbones.build import add_backbone
from model.backbones.catalog import get_architecture
from model.config import CnnConfig
from model.heads import output_activation, output_units
from model.scaling import Scaling

layers = keras.layers
MEAN = "mean"  # name of the layer that returns the mean of each feature map; with a backbone there is one per stage
FEATURES = "features"  # name of the layer that joins the means of a backbone's stages


def build_network(config: CnnConfig, dtype_policy: str = "float32") -> keras.Model:
    """Return the network of a config, with fresh weights from Keras' global seed.

    Input: float32 (n, height, width, channels), raw pixels 0 … 255: scaling is the first layer, so that every
    caller scales exactly as the training did.
    Output: float32 (n, units): softmax probabilities, one sigmoid probability of the second class, or a number.

    Layers have fixed names (`block1_conv1`, …; those of a backbone are timm's), which are the names of the tensors in
    model.safetensors.

    Args:
        config: the network.
        dtype_policy: Keras' name for the types of computation and weights; scaling and head always are float32.
    """
    with keras_defaults(dtype_policy):
        inputs = keras.Input(config.image_shape, name="pixels")
        return keras.Model(inputs, _add_layers(inputs, config), name="cnn")


def standardized_outputs(network: keras.Model, config: CnnConfig) -> keras.Model:
    """Return the same network with the outputs that a loss compares: for a regression before they get their unit."""
    if not config.target_scaling:
        return network
    with keras_defaults():
        return keras.Model(network.input, network.get_layer("output").output, name="standardized")


def _add_layers(x: keras.KerasTensor, config: CnnConfig) -> keras.KerasTensor:
    x = _add_scaling(x, config.scaling)
    if config.backbone:
        stages = add_backbone(x, get_architecture(config.backbone))
        means = [layers.GlobalAveragePooling2D(name=f"{MEAN}{number}")(one) for number, one in enumerate(stages, 1)]
        x = layers.Concatenate(name=FEATURES)(means)
        if config.dropout:
            x = layers.Dropout(config.dropout, name=f"{FEATURES}_dropout")(x)
    else:
        x = _add_blocks(x, config)
        # What hidden dense layers take, or the mean of each feature map.
        x = layers.Flatten(name="flatten")(x) if config.dense_units else layers.GlobalAveragePooling2D(name=MEAN)(x)
    for number, units in enumerate(config.dense_units, 1):
        name = f"dense{number}"
        dense = layers.Dense(units, use_bias=config.normalization == "none", name=name, **_kernel_options(config))
        x = _add_activation(_add_normalization(dense(x), config, name), config, name)
        if config.dense_dropout:
            x = layers.Dropout(config.dense_dropout, name=f"{name}_dropout")(x)

    # Scaling and head always compute in float32, also in bfloat16 training.
    x = layers.Dense(output_units(config.task, len(config.labels)), name="head", dtype="float32")(x)
    if config.temperature != 1:
        x = layers.Rescaling(1 / config.temperature, name="temperature", dtype="float32")(x)
    x = layers.Activation(output_activation(config.task, config.loss), name="output", dtype="float32")(x)
    if config.target_scaling:
        offset, scale = config.target_offset_and_scale
        x = layers.Rescaling(scale, offset, name="target", dtype="float32")(x)
    return x


def _add_blocks(x: keras.KerasTensor, config: CnnConfig) -> keras.KerasTensor:
    if config.stem_filters:
        x = _add_convolution(x, config, config.stem_filters, "stem")
    add_block = _add_residual_block if config.blocks == "residual" else _add_plain_block
    for block, (filters, convolutions) in enumerate(zip(config.filters, config.convolutions_of_blocks, strict=True), 1):
        x = add_block(x, config, filters, convolutions, f"block{block}")
        if config.dropout:
            x = layers.Dropout(config.dropout, name=f"block{block}_dropout")(x)
    return x


def _add_scaling(x: keras.KerasTensor, scaling: Scaling) -> keras.KerasTensor:
    scale = [1 / s for s in scaling.scale]
    offset = [-o / s for o, s in zip(scaling.offset, scaling.scale, strict=True)]
    return layers.Rescaling(scale, offset, name="scaling", dtype="float32")(x)


def _add_plain_block(
    x: keras.KerasTensor, config: CnnConfig, filters: int, convolutions: int, name: str
) -> keras.KerasTensor:
    """Add convolutions, then halve height and width."""
    for number in range(1, convolutions + 1):
        stride = 2 if config.pooling == "stride" and number == convolutions else 1
        x = _add_convolution(x, config, filters, f"{name}_conv{number}", stride)
    return _add_pooling(x, config, name)


def _add_residual_block(
    x: keras.KerasTensor, config: CnnConfig, filters: int, convolutions: int, name: str
) -> keras.KerasTensor:
    """Add a convolution and halve height and width, then pairs of convolutions, the sum of which and of their input.

    Sources: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", for the shortcut; Page 2018,
    "How to Train Your ResNet", for this order, in which no shortcut needs a separate convolution.
    """
    x = _add_kernel(x, config, filters, f"{name}_conv1", 2 if config.pooling == "stride" else 1)
    x = _add_pooling(x, config, name)  # before the normalization, which then has a quarter to do
    x = _add_activation(_add_normalization(x, config, f"{name}_conv1"), config, f"{name}_conv1")
    for pair in range(1, convolutions // 2 + 1):
        branch = _add_convolution(x, config, filters, f"{name}_conv{2 * pair}")
        branch = _add_convolution(branch, config, filters, f"{name}_conv{2 * pair + 1}")
        x = layers.Add(name=f"{name}_add{pair}")([x, branch])
    return x


def _add_pooling(x: keras.KerasTensor, config: CnnConfig, name: str) -> keras.KerasTensor:
    if config.pooling == "max":
        return layers.MaxPooling2D(2, name=f"{name}_pool")(x)
    if config.pooling == "average":
        return layers.AveragePooling2D(2, name=f"{name}_pool")(x)
    return x


def _add_convolution(
    x: keras.KerasTensor, config: CnnConfig, filters: int, name: str, stride: int = 1
) -> keras.KerasTensor:
    x = _add_kernel(x, config, filters, name, stride)
    return _add_activation(_add_normalization(x, config, name), config, name)


def _add_kernel(x: keras.KerasTensor, config: CnnConfig, filters: int, name: str, stride: int = 1) -> keras.KerasTensor:
    return layers.Conv2D(
        filters,
        config.kernel_size,
        strides=stride,
        padding="same",
        use_bias=config.normalization == "none",  # a normalization has its own
        name=name,
        **_kernel_options(config),
    )(x)


def _kernel_options(config: CnnConfig) -> dict:
    # He et al. 2015 for rectifiers and similar ones, Glorot and Bengio 2010 for sigmoid and tanh.
    saturating = config.activation in ("sigmoid", "tanh")
    return {
        "kernel_initializer": "glorot_uniform" if saturating else "he_normal",
        "kernel_regularizer": keras.regularizers.L1L2(config.l1, config.l2) if config.l1 or config.l2 else None,
    }


def _add_normalization(x: keras.KerasTensor, config: CnnConfig, name: str) -> keras.KerasTensor:
    if config.normalization == "batch":
        # Momentum 0.9 instead of 0.99, so that the averages converge in short trainings on small datasets too.
        return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    if config.normalization == "layer":
        return layers.LayerNormalization(name=f"{name}_norm")(x)
    return x


def _add_activation(x: keras.KerasTensor, config: CnnConfig, name: str) -> keras.KerasTensor:
    name = f"{name}_{config.activation}"
    if config.activation == "leaky_relu":
        return layers.LeakyReLU(negative_slope=0.1, name=name)(x)
    if config.activation == "prelu":
        # One slope per feature map, as in He et al. 2015; without sharing there would be one per pixel.
        return layers.PReLU(shared_axes=[1, 2] if len(x.shape) == 4 else None, name=name)(x)
    return layers.Activation({"swish": "silu"}.get(config.activation, config.activation), name=name)(x)
