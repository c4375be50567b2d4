"""`CnnConfig`: everything that defines a network, as a frozen dataclass that reads and writes config.json."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from math import prod
from pathlib import Path
from typing import Any

from model.artifacts import CONFIG_FILE, MAX_FILE_BYTES
from model.errors import ModelError, TrazoError
from model.heads import HEADS, check_head, default_loss, output_units
from model.scaling import EXTREME, Scaling

FORMAT_VERSION = 1
ACTIVATIONS = ("relu", "leaky_relu", "prelu", "sigmoid", "tanh", "swish", "elu", "gelu")
NORMALIZATION_WEIGHTS = {
    "none": (),
    "batch": ("gamma", "beta", "moving_mean", "moving_variance"),
    "layer": ("gamma", "beta"),
}
NORMALIZATIONS = tuple(NORMALIZATION_WEIGHTS)
POOLINGS = ("max", "average", "stride")
# Far above any sensible network. They do not bound the memory that a hostile config may claim for weights: together
# they allow layers of terabytes. `weights.check_size` does, which asks for a file of weights as large as the network.
LIMITS = {
    "side": 1024,
    "blocks": 8,
    "convolutions": 8,
    "filters": 4096,
    "dense": 8,
    "units": 16384,
    "map": 1 << 26,  # numbers in the feature maps of one layer, of one picture: few weights may ask for many
}


@dataclass(frozen=True)
class CnnConfig:
    """Architecture, labels, image shape and fitted scaling of one network.

    Raises:
        TrazoError: when a value is unknown, out of range or does not suit the task; the text says what is.
    """

    labels: tuple[str, ...] = tuple("0123456789")  # class names in the order of the ids; the target's for regression
    task: str = "multiclass"  # binary (one sigmoid unit), multiclass (softmax) or regression (one linear unit)
    loss: str = ""  # one that suits the task (heads.py); empty: the task's default
    image_shape: tuple[int, int, int] = (28, 28, 1)  # height, width, channels (1 grey, 3 RGB)
    scaling: Scaling = field(default_factory=Scaling)  # fitted on the training part, applied inside the network

    filters: tuple[int, ...] = (
        32,
        64,
    )  # of each block; as many blocks as numbers; each block halves the picture
    convolutions: int | tuple[int, ...] = 2  # in each block; or one number for every block
    kernel_size: int = 3  # side of every kernel
    pooling: str = "max"  # what ends a block: max, average, or a convolution of stride 2
    activation: str = "relu"  # after every hidden layer
    normalization: str = "batch"  # between a convolution and its activation
    dense_units: tuple[int, ...] = (128,)  # hidden dense layers; none: global average pooling, then the head
    dropout: float = 0.0  # after each hidden dense layer, half of it after each block
    l1: float = 0.0  # L1 penalty on kernels (sparse); with l2 the elastic net
    l2: float = 0.0  # L2 penalty on kernels (shrinks)

    temperature: float = 1.0  # scores are divided by it before the last activation; fitted on validation
    ood_threshold: float | None = None  # largest accepted one (ood.py), fitted on validation; None: no score

    title: str = ""  # what the demo calls the model
    versions: dict[str, str] = field(default_factory=dict)  # of the libraries that trained it; for information

    def __post_init__(self) -> None:
        """Check every field; JSON's lists become tuples."""
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731 - frozen
        for name in ("labels", "image_shape", "filters", "dense_units"):
            value = getattr(self, name)
            if not isinstance(value, (list, tuple)):
                raise TrazoError(f"{name} must be a list, not {value!r}")
            put(name, tuple(value))
        if isinstance(self.convolutions, list):
            put("convolutions", tuple(self.convolutions))
        if isinstance(self.scaling, dict):
            put("scaling", _scaling_from_dict(self.scaling))
        if not isinstance(self.scaling, Scaling):
            raise TrazoError(f"scaling must be an object with method, offset and scale, not {self.scaling!r}")
        _check_choice("task", self.task, tuple(HEADS))
        if not self.loss:
            put("loss", default_loss(self.task))
        check_head(self.task, self.loss)
        _check_labels(self)
        _check_choice("activation", self.activation, ACTIVATIONS)
        _check_choice("normalization", self.normalization, NORMALIZATIONS)
        _check_choice("pooling", self.pooling, POOLINGS)
        _check_sizes(self)
        if not isinstance(self.title, str):
            raise TrazoError(f"title must be a text, not {self.title!r}")
        texts = [*self.versions.keys(), *self.versions.values()] if isinstance(self.versions, dict) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise TrazoError(f"versions must be an object of texts, not {self.versions!r}")
        # What could not be read again is not to be saved either.
        try:
            size = len(self.to_json().encode())
        except UnicodeEncodeError:
            raise TrazoError("labels, title and versions must be texts that UTF-8 can hold") from None
        if size > MAX_FILE_BYTES[CONFIG_FILE]:
            raise TrazoError(f"labels, title and versions are too long: config.json would have {size:,} bytes")

    @property
    def regularization(self) -> str:
        """Return none, l1, l2 or elastic net, as l1 and l2 say."""
        return {(0, 0): "none", (1, 0): "l1", (0, 1): "l2", (1, 1): "elastic net"}[self.l1 > 0, self.l2 > 0]

    @property
    def convolutions_of_blocks(self) -> tuple[int, ...]:
        """Return the number of convolutions of each block."""
        if isinstance(self.convolutions, tuple):
            return self.convolutions
        return (self.convolutions,) * len(self.filters)

    @property
    def kernel_shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """Return the shape of each convolution's kernel, by the layer's name: height, width, inputs, filters."""
        shapes, inputs = {}, self.image_shape[2]
        for block, (filters, convolutions) in enumerate(zip(self.filters, self.convolutions_of_blocks, strict=True), 1):
            for number in range(1, convolutions + 1):
                shapes[f"block{block}_conv{number}"] = (self.kernel_size, self.kernel_size, inputs, filters)
                inputs = filters
        return shapes

    @property
    def largest_map(self) -> int:
        """Return how many numbers the largest layer's feature maps hold, of one picture."""
        height, width, _ = self.image_shape
        return max((height >> block) * (width >> block) * filters for block, filters in enumerate(self.filters))

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of the network's weights, by its path.

        It follows `network.build_network` without building: what does not fit can be refused in time.
        """
        shapes: dict[str, tuple[int, ...]] = {}

        def add(layer: str, kernel: tuple[int, ...], shared: tuple[int, ...]) -> None:
            units = kernel[-1:]
            shapes[f"{layer}/kernel"] = kernel
            if self.normalization == "none":
                shapes[f"{layer}/bias"] = units
            for part in NORMALIZATION_WEIGHTS[self.normalization]:
                shapes[f"{layer}_norm/{part}"] = units
            if self.activation == "prelu":
                shapes[f"{layer}_prelu/alpha"] = (*shared, *units)

        for layer, kernel in self.kernel_shapes.items():
            add(layer, kernel, (1, 1))
        height, width, _ = self.image_shape
        for _ in self.filters:
            # A stride keeps the odd row and column that a pooling drops.
            odd = 1 if self.pooling == "stride" else 0
            height, width = (height + odd) // 2, (width + odd) // 2
        features = height * width * self.filters[-1] if self.dense_units else self.filters[-1]
        for number, units in enumerate(self.dense_units, 1):
            add(f"dense{number}", (features, units), ())
            features = units
        units = output_units(self.task, len(self.labels))
        return shapes | {"head/kernel": (features, units), "head/bias": (units,)}

    @property
    def feature_count(self) -> int:
        """Return how many features a picture has: the filters of every block and the hidden dense units."""
        return sum(self.filters) + sum(self.dense_units)

    @property
    def extra_tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each tensor that lies beside the weights (ood.py), by its name."""
        if self.ood_threshold is None:
            return {}
        count = self.feature_count
        return {"ood/means": (len(self.labels), count), "ood/whitening": (count, count)}

    @property
    def kernel_parameters(self) -> int:
        """Return the number of weights in all kernels; biases, normalisations and slopes add a few to a feature map."""
        return sum(prod(shape) for name, shape in self.weight_shapes.items() if name.endswith("/kernel"))

    def to_json(self) -> str:
        """Return the text of config.json."""
        values = {"format_version": FORMAT_VERSION, "model_type": "trazo-cnn", **asdict(self)}
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = "config.json") -> "CnnConfig":
        """Read what `to_json` wrote.

        Args:
            text: the file's text.
            source: the file's name, for messages.

        Raises:
            ModelError: for anything else; the text names the source and the reason.
        """
        try:
            values: Any = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{source} is not valid JSON: {error}") from None
        if not isinstance(values, dict):
            raise ModelError(f"{source} must hold a JSON object")
        version = values.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ModelError(f"{source} has format_version {version!r}; this Trazo reads {FORMAT_VERSION}")
        values.pop("model_type", None)
        unknown = sorted(values.keys() - {f.name for f in fields(cls)})
        if unknown:
            raise ModelError(f"{source} has unknown keys: {', '.join(unknown)}")
        try:
            return cls(**values)
        except (TrazoError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ModelError(f"{source}: {error}") from None

    @classmethod
    def from_file(cls, path: str | os.PathLike) -> "CnnConfig":
        """Read a config.json; see `from_json`."""
        most = MAX_FILE_BYTES[CONFIG_FILE]
        try:
            with Path(path).open("rb") as file:
                text = file.read(most + 1)
            if len(text) > most:
                raise ModelError(f"{path} has more than {most:,} bytes")
            return cls.from_json(text.decode(), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} cannot be read: {error}") from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):  # readers differ in which one they take
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{twice!r} stands there twice")
    return values


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _scaling_from_dict(values: dict) -> Scaling:
    unknown = values.keys() - {f.name for f in fields(Scaling)}
    if unknown:
        raise TrazoError(f"scaling has unknown keys: {', '.join(sorted(unknown))}")
    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Scaling(**given)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise TrazoError(f"unknown {name} {value!r}; there are {', '.join(choices)}")


def _check_labels(config: CnnConfig) -> None:
    labels = config.labels
    if not all(isinstance(label, str) for label in labels) or len(set(labels)) < len(labels):
        raise TrazoError("labels must be names, each once")
    fits = {
        "binary": len(labels) == 2,
        "multiclass": 2 <= len(labels) <= LIMITS["units"],
        "regression": len(labels) == 1,
    }
    if not fits[config.task]:
        need = {
            "binary": "exactly 2 labels",
            "multiclass": f"2 to {LIMITS['units']:,} labels",
            "regression": "one name",
        }
        raise TrazoError(f"a {config.task} task has {need[config.task]}, not {len(labels)}")


def _check_sizes(config: CnnConfig) -> None:
    def whole(name: str, value: object, low: int, high: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise TrazoError(f"{name} must be a whole number from {low} to {high}, not {value!r}")

    if len(config.image_shape) != 3:
        raise TrazoError(f"image_shape is height, width, channels, not {config.image_shape!r}")
    *sides, channels = config.image_shape
    for side in sides:
        whole("a side of image_shape", side, 1, LIMITS["side"])
    if type(channels) is not int or channels not in (1, 3):
        raise TrazoError(f"an image_shape has 1 channel (grey) or 3 (RGB), not {channels!r}")
    whole("the number of blocks", len(config.filters), 1, LIMITS["blocks"])
    if min(sides) < 2 ** len(config.filters):
        most = min(sides).bit_length() - 1
        raise TrazoError(f"{len(config.filters)} blocks halve a side of {min(sides)} too often; at most {most} do not")
    for number in config.filters:
        whole("filters", number, 1, LIMITS["filters"])
    for number in config.convolutions_of_blocks:
        whole("convolutions", number, 1, LIMITS["convolutions"])
    if len(config.convolutions_of_blocks) != len(config.filters):
        raise TrazoError(
            f"convolutions has {len(config.convolutions_of_blocks)} numbers for {len(config.filters)} blocks; "
            "give one for each block, or one for all"
        )
    if config.largest_map > LIMITS["map"]:
        raise TrazoError(
            f"image_shape and filters ask for {config.largest_map:,} numbers in one layer; at most {LIMITS['map']:,}"
        )
    whole("kernel_size", config.kernel_size, 1, min(31, *sides))
    whole("the number of dense_units", len(config.dense_units), 0, LIMITS["dense"])
    for number in config.dense_units:
        whole("dense_units", number, 1, LIMITS["units"])
    if len(config.scaling.offset) not in (1, channels):
        raise TrazoError(f"scaling has {len(config.scaling.offset)} channels, image_shape {channels}")
    for name, high in (("dropout", 0.95), ("l1", 1.0), ("l2", 1.0)):
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high:
            raise TrazoError(f"{name} must be from 0 to {high}, not {value!r}")
    for name in ("temperature", "ood_threshold"):
        value = getattr(config, name)
        if name == "ood_threshold" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 / EXTREME <= value <= EXTREME:
            raise TrazoError(f"{name} must be a positive number, none of extreme size, not {value!r}")
        if config.task == "regression" and (name, value) != ("temperature", 1):
            raise TrazoError(f"{name} has no meaning for a regression")
