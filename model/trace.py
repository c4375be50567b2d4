"""How each value inside a network came about: the products that were added, and what was done with their sum.

Nothing is estimated here: the outputs are Keras' own, and weights and values are those it multiplied.
"""

from dataclasses import dataclass
from functools import cached_property

from model.backend import keras
import cv2
import numpy as np

from model.stages import Stage

MAX_WINDOW_SIDE = 11  # of the tables of values and weights; larger windows are listed value by value


@dataclass(frozen=True)
class Terms:
    """The products of one sum, in groups: one per input map, or one per value where the window is large.

    Attributes:
        maps: int (n,), the input map of each group.
        top: int (n,), the row in it of the group's first value; negative if it lies in the zeros around the map.
        left: int (n,), the column of the same.
        values: float32 (n, height, width), 0 outside the map.
        weights: float32 (n, height, width).
    """

    maps: np.ndarray
    top: np.ndarray
    left: np.ndarray
    values: np.ndarray
    weights: np.ndarray

    @cached_property
    def sums(self) -> np.ndarray:
        """The sum of each group, float64 (n,)."""
        return (self.values.astype(np.float64) * self.weights).sum(axis=(1, 2))

    def strongest_first(self) -> "Terms":
        """Return the same groups, those with the largest sums, positive or negative, first."""
        return self._take(np.argsort(-np.abs(self.sums), kind="stable"))

    def first(self, count: int) -> "Terms":
        """Return the first groups."""
        return self._take(np.arange(min(count, len(self.maps))))

    def _take(self, order: np.ndarray) -> "Terms":
        return Terms(self.maps[order], self.top[order], self.left[order], self.values[order], self.weights[order])


@dataclass(frozen=True)
class Normalization:
    """`(sum − mean) / √(variance + epsilon) · gamma + beta`."""

    kind: str  # batch: mean and variance of the training; layer: those of all maps at this place
    mean: float
    variance: float
    epsilon: float
    gamma: float
    beta: float


@dataclass(frozen=True)
class Trace:
    """One image on its way through a network.

    Attributes:
        network: made by `build_network`.
        stages: its stages.
        pixels: float32 (height, width, channels), 0 … 255.
        outputs: name of a layer -> its output, float32 without the batch axis.
    """

    network: keras.Model
    stages: list[Stage]
    pixels: np.ndarray
    outputs: dict[str, np.ndarray]

    def stage(self, name: str) -> Stage:
        """Return the stage of this name.

        Raises:
            ValueError: if there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ValueError(f"unknown stage {name!r}; there are {', '.join(stage.name for stage in self.stages)}")

    def source(self, stage: Stage) -> Stage | None:
        """Return the stage whose maps a stage takes, the first one of several; None for the image itself."""
        return self.stage(stage.sources[0]) if stage.sources else None

    def maps(self, stage: Stage | None) -> np.ndarray:
        """Return a stage's maps, float32 (height, width, maps); for None the image's pixels."""
        return self.pixels if stage is None else self.outputs[stage.layers[-1]].reshape(stage.shape)

    def steps(self, stage: Stage) -> list[np.ndarray]:
        """Return the outputs of all layers of a stage, float32 (height, width, maps): sums, normalized, activated."""
        return [self.outputs[name].reshape(stage.shape) for name in stage.layers]

    def weights(self, stage: Stage) -> np.ndarray:
        """Return the weights of a stage that has some, float32 (height, width, maps, units).

        Those of a dense layer after a flattening have the form of the maps that it takes: each unit has one large
        kernel, which covers them whole. In a depthwise convolution, each unit takes one map: (height, width, 1, units).
        """
        kernel = self.network.get_layer(stage.name).kernel.numpy()
        if stage.kind == "depthwise":
            return kernel.transpose(0, 1, 3, 2)
        return kernel if kernel.ndim == 4 else kernel.reshape(*self.maps(self.source(stage)).shape, -1)

    def bias(self, stage: Stage, unit: int) -> float:
        """Return what is added to a unit's sum, 0 if the layer has no bias."""
        layer = self.network.get_layer(stage.name)
        return float(layer.bias.numpy()[unit]) if layer.use_bias else 0.0

    def window(self, stage: Stage, y: int, x: int) -> tuple[int, int, int, int]:
        """Return what a stage looks at for one value: top, left, height and width in the maps that it takes.

        Top and left are negative where there are zeros around the maps.
        """
        height, width, _ = self.maps(self.source(stage)).shape
        layer = self.network.get_layer(stage.name)
        if stage.kind in ("convolution", "depthwise", "max", "average"):
            sides = layer.pool_size if stage.kind in ("max", "average") else layer.kernel_size
            return y * layer.strides[0] - stage.padding[0], x * layer.strides[1] - stage.padding[1], *sides
        return (y, x, 1, 1) if stage.kind in ("scaling", "add", "join") else (0, 0, height, width)

    def windowed(self, stage: Stage, y: int, x: int) -> np.ndarray:
        """Return the values that a stage looks at for one value: float32 (height, width, maps), with zeros around."""
        maps = self.maps(self.source(stage))
        top, left, height, width = self.window(stage, y, x)
        bottom, right = top + height, left + width
        inside = maps[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        rows = max(-top, 0), max(bottom - maps.shape[0], 0)
        columns = max(-left, 0), max(right - maps.shape[1], 0)
        return np.pad(inside, (rows, columns, (0, 0)))

    def terms(self, stage: Stage, unit: int, y: int, x: int) -> Terms:
        """Return the products whose sum, with the bias, is the output of a stage's first layer at one place."""
        top, left, height, width = self.window(stage, y, x)
        values, weights = self.windowed(stage, y, x), self.weights(stage)[..., unit]
        if max(height, width) <= MAX_WINDOW_SIDE:
            taken = self.inputs(stage, unit)
            groups = values[..., taken].transpose(2, 0, 1), weights.transpose(2, 0, 1)
            return Terms(taken, np.full_like(taken, top), np.full_like(taken, left), *groups)
        rows, columns, maps = np.indices(values.shape).reshape(3, -1)
        return Terms(maps, top + rows, left + columns, values.reshape(-1, 1, 1), weights.reshape(-1, 1, 1))

    def joined(self, stage: Stage, unit: int) -> tuple[Stage, int]:
        """Return from which stage, and which of its maps, a value of a stage that joins others comes."""
        for name in stage.sources:
            source = self.stage(name)
            if unit < source.shape[2]:
                return source, unit
            unit -= source.shape[2]
        raise ValueError(f"{stage.name} has no unit {unit}")

    def inputs(self, stage: Stage, unit: int) -> np.ndarray:
        """Return which input maps a unit takes: all, or in a depthwise convolution one; int (n,)."""
        count = self.maps(self.source(stage)).shape[2]
        return np.array([unit]) if stage.kind == "depthwise" else np.arange(count)

    def contribution(self, stage: Stage, unit: int, source_map: int) -> np.ndarray:
        """Return what one input map contributes to a unit.

        Args:
            stage: one with weights.
            unit: number of the map or value that it returns.
            source_map: one of `inputs`.

        Returns:
            of a convolution: the part of its sums, float32 (height, width) of the stage; of a dense layer: each value
            of the input map times its weight.
        """
        maps = self.maps(self.source(stage))[..., source_map]
        of_input = 0 if stage.kind == "depthwise" else source_map
        weights = np.ascontiguousarray(self.weights(stage)[..., of_input, unit])
        if stage.kind == "dense":
            return maps * weights
        top, left, *_ = self.window(stage, 0, 0)
        rows, columns = self.network.get_layer(stage.name).strides
        # OpenCV, too, multiplies without turning the kernel; its anchor is the value under the place of the sum.
        sums = cv2.filter2D(
            np.ascontiguousarray(maps), cv2.CV_32F, weights, anchor=(-left, -top), borderType=cv2.BORDER_CONSTANT
        )
        return sums[::rows, ::columns]

    def normalization(self, stage: Stage, unit: int, y: int, x: int) -> Normalization | None:
        """Return what normalizes a value of a stage; None without a normalization."""
        if stage.normalization is None:
            return None
        layer = self.network.get_layer(stage.normalization)
        if isinstance(layer, keras.layers.BatchNormalization):
            mean, variance = layer.moving_mean.numpy()[unit], layer.moving_variance.numpy()[unit]
            kind = "batch"
        else:
            sums = self.steps(stage)[0][y, x].astype(np.float64)
            mean, variance, kind = sums.mean(), sums.var(), "layer"
        gamma, beta = layer.gamma.numpy()[unit], layer.beta.numpy()[unit]
        return Normalization(kind, float(mean), float(variance), float(layer.epsilon), float(gamma), float(beta))

    def slope(self, stage: Stage, unit: int) -> float | None:
        """Return what the activation multiplies negative values by; None unless it is one of those that do."""
        layer = self.network.get_layer(stage.layers[-1])
        if isinstance(layer, keras.layers.PReLU):
            return float(layer.alpha.numpy().reshape(-1)[unit])
        return float(layer.negative_slope) if isinstance(layer, keras.layers.LeakyReLU) else None

    def strongest_place(self, stage: Stage, unit: int) -> tuple[int, int]:
        """Return row and column of the value of a map that is farthest from zero."""
        values = np.abs(self.maps(stage)[..., unit])
        row, column = np.unravel_index(values.argmax(), values.shape)
        return int(row), int(column)
