"""The stages of a network: a convolution with its normalization and activation is one, a pooling is another."""

from dataclasses import dataclass, replace

from model.backend import keras

layers = keras.layers
KINDS = {
    layers.Conv2D: "convolution",
    layers.MaxPooling2D: "max",
    layers.AveragePooling2D: "average",
    layers.GlobalAveragePooling2D: "mean",
    layers.Dense: "dense",
}


@dataclass(frozen=True)
class Stage:
    """A step from some maps to others.

    Attributes:
        name: of its first layer, such as `block1_conv1`.
        kind: scaling, convolution, max, average, mean or dense.
        shape: height, width and number of its maps; a vector has maps of one value.
        parameters: of all its layers, with the averages of a batch normalization.
        layers: names of the Keras layers; the last one returns the maps.
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    parameters: int
    layers: tuple[str, ...]

    @property
    def is_weighted(self) -> bool:
        """Whether its values are sums of weights times values."""
        return self.kind in ("convolution", "dense")


def list_stages(network: keras.Model) -> list[Stage]:
    """Return the stages of a network that `build_network` made, from the scaling to the scores.

    Dropout does nothing in a prediction, and a flattening only changes the order of the values: neither is a stage.

    Example:
        >>> [stage.name for stage in list_stages(build_network(CnnConfig(filters=(8,), convolutions=1)))]
        ['scaling', 'block1_conv1', 'block1_pool', 'dense1', 'head']
    """
    stages: list[Stage] = []
    for layer in network.layers:
        last = stages[-1] if stages else None
        kind = "scaling" if layer.name == "scaling" else KINDS.get(type(layer))
        if kind:
            *sides, maps = layer.output.shape[1:]
            height, width = sides or (1, 1)
            stages.append(Stage(layer.name, kind, (height, width, maps), layer.count_params(), (layer.name,)))
        elif last and layer.name.startswith(f"{last.name}_") and not isinstance(layer, layers.Dropout):
            parameters = last.parameters + layer.count_params()
            stages[-1] = replace(last, parameters=parameters, layers=(*last.layers, layer.name))
    return stages
