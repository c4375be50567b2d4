"""Why this class and not another: what each feature, and each place of the image, adds to the scores.

The last layer is a sum, score = Σ feature × weight + bias, so this is exact and no estimate. If the features are the
means of maps, each is a sum over places, and so is the score. After hidden dense layers no such split exists.
"""

from dataclasses import dataclass

import numpy as np

from model.config import CnnConfig
from model.stages import Stage
from model.trace import Trace


@dataclass(frozen=True)
class Places:
    """What each place of a grid adds to some of the features.

    Attributes:
        first: number of the first of these features.
        values: float32 (height, width, features), whose sum over the places are the features.
        stage: the stage on whose maps the places lie.
    """

    first: int
    values: np.ndarray
    stage: Stage

    def of(self, weights: np.ndarray) -> np.ndarray:
        """Return what each place adds to a score, float64 (height, width); `weights` has one number per feature."""
        count = self.values.shape[2]
        return self.values.astype(np.float64) @ weights[self.first : self.first + count]


@dataclass(frozen=True)
class Evidence:
    """What the scores of one image are made of. A score is what the softmax takes, before it is divided by T.

    Two classes with one sigmoid have one score, that of the second class; the first one's is always 0, and a softmax of
    both is the same sigmoid.

    Attributes:
        features: float32 (features,), what the last layer takes.
        weights: float32 (features, labels); for regression (features, 1).
        bias: float32 (labels,).
        places: one grid for all features, or several, the finest first; empty if they cannot be split.
        feature_stage: the stage that returns the features.
    """

    features: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    places: list[Places]
    feature_stage: Stage

    def grid(self, most: int | None = None) -> Places | None:
        """Return the finest grid, with at most so many places if there is one; None if the features have none."""
        fitting = [one for one in self.places if most is None or one.values[..., 0].size <= most]
        return next(iter(fitting or self.places[-1:]), None)

    @property
    def scores(self) -> np.ndarray:
        """The score of each label, float64 (labels,)."""
        return self.features.astype(np.float64) @ self.weights + self.bias

    def by_feature(self, label: int) -> np.ndarray:
        """Return what each feature adds to a label's score, float64 (features,)."""
        return self.features.astype(np.float64) * self.weights[:, label]

    def by_place(self, label: int, most: int | None = None) -> np.ndarray | None:
        """Return what each place of a grid adds to a label's score, float64 (height, width).

        Args:
            label: id of the label.
            most: see `grid`. A place of a coarser grid is spread evenly over those that it covers, those of a finer
                one are summed.

        Returns:
            the parts, whose sum is the score without the bias; None if it cannot be split.
        """
        grid = self.grid(most)
        if grid is None:
            return None
        height, width, _ = grid.values.shape
        total = np.zeros((height, width))
        for one in self.places:
            parts = one.of(self.weights[:, label])
            total += _regrid(_regrid(parts, height).T, width).T
        return total


def _regrid(parts: np.ndarray, rows: int) -> np.ndarray:
    """Return the parts (n, columns) on so many rows, with the same sum: rows are spread or summed."""
    count = len(parts)
    if rows >= count:
        source = np.arange(rows) * count // rows
        return (parts / np.bincount(source)[:, None])[source]
    summed = np.zeros((rows, parts.shape[1]))
    np.add.at(summed, np.arange(count) * rows // count, parts)
    return summed


def collect_evidence(trace: Trace, config: CnnConfig) -> Evidence:
    """Return the evidence in one image.

    Args:
        trace: of the image.
        config: of its network.
    """
    *_, head = trace.stages
    feature_stage = trace.stages[-2]
    layer = trace.network.get_layer(head.name)
    weights, bias = layer.kernel.numpy(), layer.bias.numpy()
    if config.task == "binary":
        weights, bias = np.pad(weights, ((0, 0), (1, 0))), np.pad(bias, (1, 0))
    features = trace.maps(feature_stage).reshape(-1)
    means = [feature_stage] if feature_stage.kind == "mean" else []
    if feature_stage.kind == "join":
        means = [trace.stage(name) for name in feature_stage.sources]
    places, first = [], 0
    for mean in means:
        places.append(_places(trace, mean, first))
        first += mean.shape[2]
    places.sort(key=lambda one: -one.values.shape[0] * one.values.shape[1])
    return Evidence(features, weights, bias, places, feature_stage)


def _places(trace: Trace, mean: Stage, first: int) -> Places:
    """Return what each place adds to the means of some maps."""
    source = trace.source(mean)
    assert source is not None
    maps = trace.maps(source)
    places = maps / (maps.shape[0] * maps.shape[1])
    pooled = trace.source(source)
    # What is normalized or activated after its pooling cannot be split further.
    if source.kind in ("max", "average") and len(source.layers) == 1 and pooled is not None:
        places = _before_pooling(places, trace.maps(pooled), source)
        source = pooled
    return Places(first, places, source)


def _before_pooling(places: np.ndarray, maps: np.ndarray, pooling: Stage) -> np.ndarray:
    """Return what belongs to each place before a pooling: of a maximum to its first largest value, else to all four."""
    rows, columns, count = places.shape
    windows = maps[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, count).transpose(0, 2, 4, 1, 3)
    windows = windows.reshape(rows, columns, count, 4)
    if pooling.kind == "max":
        share = np.eye(4, dtype=np.float32)[windows.argmax(axis=-1)] * places[..., None]
    else:
        share = windows / (4 * rows * columns)
    spread = share.reshape(rows, columns, count, 2, 2).transpose(0, 3, 1, 4, 2).reshape(2 * rows, 2 * columns, count)
    return np.pad(spread, ((0, maps.shape[0] - 2 * rows), (0, maps.shape[1] - 2 * columns), (0, 0)))
