"""The stages of a network: a convolution with its normalization and activation is one, a pooling is another."""

from dataclasses import dataclass, replace

from model.backend import keras

layers = keras.layers
KINDS = {
    layers.Conv2D: "convolution",
    layers.DepthwiseConv2D: "depthwise",
    layers.Add: "add",
    layers.Concatenate: "join",
    layers.MaxPooling2D: "max",
    layers.AveragePooling2D: "average",
    layers.GlobalAveragePooling2D: "mean",
    layers.Dense: "dense",
}
NORMALIZATIONS = (layers.BatchNormalization, layers.LayerNormalization)
ACTIVATIONS = (layers.Activation, layers.PReLU, layers.LeakyReLU)
KERAS_ACTIVATIONS = {"silu": "swish"}  # Keras' names of activations that a config names otherwise
LAST = "head"  # the stage after which only its scores are rescaled


@dataclass(frozen=True)
class Stage:
    """A step from some maps to others.

    Attributes:
        name: of its first layer, such as `block1_conv1`.
        kind: scaling, convolution, depthwise (a convolution that filters each map separately), add (two
            stages' maps), max, average, mean, join (several stages' values) or dense.
        shape: height, width and number of its maps; a vector has maps of one value.
        sources: names of the stages whose maps it takes; none if it takes the image.
        parameters: of all its layers, with the averages of a batch normalization.
        layers: names of the Keras layers; the last one returns the maps.
        padding: rows of zeros above, and columns of zeros to the left of the maps that it takes.
        normalization: name of the layer that normalizes; None if none does.
        activation: name of the activation as in a config, or another one of Keras; None if there is none.
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    sources: tuple[str, ...]
    parameters: int
    layers: tuple[str, ...]
    padding: tuple[int, int] = (0, 0)
    normalization: str | None = None
    activation: str | None = None

    @property
    def is_weighted(self) -> bool:
        """Whether its values are sums of weights times values."""
        return self.kind in ("convolution", "depthwise", "dense")


def list_stages(network: keras.Model) -> list[Stage]:
    """Return the stages of a network that `build_network` made, from the scaling to the scores.

    Dropout does nothing in a prediction, a flattening only changes the order of the values, and zeros around maps are
    part of the stage that takes them: none is a stage.

    Example:
        >>> [stage.name for stage in list_stages(build_network(CnnConfig(filters=(8,), convolutions=1)))]
        ['scaling', 'block1_conv1', 'block1_pool', 'dense1', 'head']
    """
    stages: dict[str, Stage] = {}
    made_by: dict[int, str] = {}  # id of a layer's output -> the stage that it belongs to
    zeros: dict[int, tuple[int, int]] = {}  # id of a layer's output -> rows above and columns to the left
    for layer in network.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        sources = tuple(made_by[id(one)] for one in inputs if id(one) in made_by)
        kind = "scaling" if layer.name == "scaling" else KINDS.get(type(layer))
        name = layer.name if kind else sources[0]
        if kind:
            before = zeros.get(id(inputs[0])) or _zeros_of_same_padding(layer)
            parts = (layer.count_params(), (layer.name,), before)
            stages[name] = Stage(name, kind, _maps_shape(layer), sources, *parts)
        elif isinstance(layer, (*NORMALIZATIONS, *ACTIVATIONS)):
            stages[name] = _extend(stages[name], layer)
        elif isinstance(layer, layers.ZeroPadding2D):
            zeros[id(layer.output)] = layer.padding[0][0], layer.padding[1][0]
        made_by[id(layer.output)] = name
        if name == LAST:
            break
    return list(stages.values())


def _maps_shape(layer: keras.Layer) -> tuple[int, int, int]:
    *sides, maps = layer.output.shape[1:]
    height, width = sides or (1, 1)
    return height, width, maps


def _zeros_of_same_padding(layer: keras.Layer) -> tuple[int, int]:
    """Return how many zeros Keras puts above and to the left; it puts as many on the other sides, or one more."""
    if not isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)) or layer.padding != "same":
        return 0, 0
    sizes = zip(layer.output.shape[1:3], layer.input.shape[1:3], layer.kernel_size, layer.strides, strict=True)
    above, left = (max((out - 1) * stride + side - size, 0) // 2 for out, size, side, stride in sizes)
    return above, left


def _extend(stage: Stage, layer: keras.Layer) -> Stage:
    """Return a stage with a layer that normalizes or activates its maps."""
    stage = replace(stage, parameters=stage.parameters + layer.count_params(), layers=(*stage.layers, layer.name))
    if isinstance(layer, NORMALIZATIONS):
        return replace(stage, normalization=layer.name)
    if isinstance(layer, layers.Activation):
        name = layer.activation.__name__
        return replace(stage, activation=KERAS_ACTIVATIONS.get(name, name))
    return replace(stage, activation="prelu" if isinstance(layer, layers.PReLU) else "leaky_relu")
