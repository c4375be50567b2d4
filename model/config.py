"""`CnnConfig`: everything that defines a network, as a frozen dataclass that reads and writes trazo.json."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from math import prod
from pathlib import Path
from typing import Annotated, Any

from model.artifacts import CONFIG_FILE, MAX_FILE_BYTES
from model.backbones.architecture import Architecture
from model.backbones.catalog import NAMES as BACKBONES
from model.backbones.catalog import get_architecture
from model.errors import ModelError, TrazoError
from model.heads import HEADS, check_head, default_loss, output_units
from model.io.files import read_file
from model.limits import MAX_KERNEL_SIDE_PX, MAX_LABELS, MAX_SIDE_PX
from model.names import check_name, check_names
from model.normalizations import NORMALIZATION_WEIGHTS, NORMALIZATIONS
from model.pixel_format import PixelFormat
from model.scaling import MAX_MAGNITUDE, Scaling
from model.target_scaling import TargetScaling
from model.validation import (
    Check,
    check_fields,
    choice,
    listing,
    number,
    one_or_list,
    optional,
    text,
    texts_by_name,
    whole,
)

FORMAT_VERSION = 1
DIGITS = tuple("0123456789")
ACTIVATIONS = ("relu", "leaky_relu", "prelu", "sigmoid", "tanh", "swish", "elu", "gelu")
POOLINGS = ("max", "average", "stride")
BLOCKS = ("plain", "residual")
OF_BLOCKS = ("stem_filters", "blocks", "convolutions", "kernel_size", "pooling")  # fields without a meaning for others
# Far above any sensible network. They do not bound the memory that a hostile config may claim for weights: together
# they allow layers of terabytes. `weights.check_size` does, which asks for a file of weights as large as the network.
MAX_BLOCKS = 8
MAX_CONVOLUTIONS = 8
MAX_FILTERS = 4096
MAX_DENSE_LAYERS = 8
MAX_UNITS = 16384
MAX_FEATURE_MAP_VALUES = 1 << 26  # in one layer, for one image: a network with few weights may ask for many
MAX_VERSIONS = 100
LABELS_NEEDED = {"binary": "exactly 2 labels", "multiclass": f"2 to {MAX_LABELS:,} labels", "regression": "one name"}


def _object(kind: type) -> Check:
    """Allow an object of this dataclass, or a dict of its fields' values."""
    names = [f.name for f in fields(kind)]

    def check(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            if unknown := value.keys() - set(names):
                raise TrazoError(f"{name} has unknown keys: {', '.join(sorted(unknown))}")
            value = kind(**{key: tuple(one) if isinstance(one, list) else one for key, one in value.items()})
        if not isinstance(value, kind):
            raise TrazoError(f"{name} must be an object with {', '.join(names[:-1])} and {names[-1]}, not {value!r}")
        return value

    return check


def _name_or_empty(name: str, value: Any) -> str:
    return check_name(name, value) if text(name, value) else ""


def _versions(name: str, value: Any) -> dict[str, str]:
    if len(texts_by_name(name, value)) > MAX_VERSIONS:
        raise TrazoError(f"{name} has {len(value):,} entries, at most {MAX_VERSIONS} are allowed")
    for one in (*value, *value.values()):
        check_name(f"a text of {name}", one)
    return value


@dataclass(frozen=True)
class CnnConfig:
    """Architecture, labels, image shape and fitted scaling of one network.

    Each field's check is declared with it, lists may be given for tuples, and dicts for `scaling`, `pixel_format` and
    `target_scaling`.

    Raises:
        TrazoError: if a value is unknown, out of range or does not suit the task; the text says what does.

    Example:
        >>> CnnConfig(labels=("cat", "dog"), task="binary", image_shape=(64, 64, 3)).loss
        'binary_crossentropy'
    """

    labels: Annotated[tuple[str, ...], listing(text)] = DIGITS  # by class id; of a regression, the target
    task: Annotated[str, choice(tuple(HEADS))] = "multiclass"  # binary (sigmoid), multiclass (softmax), regression
    loss: Annotated[str, text] = ""  # one that suits the task (heads.py); empty: the task's default
    image_shape: Annotated[tuple[int, int, int], listing()] = (28, 28, 1)  # height, width, channels (1 gray, 3 RGB)
    scaling: Annotated[Scaling, _object(Scaling)] = field(default_factory=Scaling)  # fitted in training
    # Of the files that it was trained on: which value is white, and what transparency is placed on.
    pixel_format: Annotated[PixelFormat, _object(PixelFormat)] = field(default_factory=PixelFormat)
    # Of a regression, fitted in training; None for the numbers as they are.
    target_scaling: Annotated[TargetScaling | None, optional(_object(TargetScaling))] = None

    # An architecture of others (`model.backbones`) instead of blocks; then `filters` is empty, and other fields that
    # describe blocks have their default values.
    backbone: Annotated[str, choice(("", *BACKBONES))] = ""
    stem_filters: Annotated[int, whole(0, MAX_FILTERS)] = 0  # of a convolution before all blocks; 0: none
    # plain: convolutions, then the pooling. residual: one convolution and the pooling, then pairs of convolutions, each
    # with a shortcut past it.
    blocks: Annotated[str, choice(BLOCKS)] = "plain"
    # One number per block; each block halves the image.
    filters: Annotated[tuple[int, ...], listing(whole(1, MAX_FILTERS), whole(0, MAX_BLOCKS), "blocks")] = (32, 64)
    convolutions: Annotated[int | tuple[int, ...], one_or_list(whole(1, MAX_CONVOLUTIONS))] = 2  # in all or each block
    kernel_size: Annotated[int, whole(1, MAX_KERNEL_SIDE_PX)] = 3  # side of every kernel
    pooling: Annotated[str, choice(POOLINGS)] = "max"  # ends a block; stride: its last convolution has stride 2
    activation: Annotated[str, choice(ACTIVATIONS)] = "relu"  # after every hidden layer
    normalization: Annotated[str, choice(NORMALIZATIONS)] = "batch"  # between a convolution and its activation
    # Hidden dense layers; none: global average pooling, then the head.
    dense_units: Annotated[tuple[int, ...], listing(whole(1, MAX_UNITS), whole(0, MAX_DENSE_LAYERS))] = (128,)
    dropout: Annotated[float, number(0, 0.95)] = 0.0  # share of values dropped after each block, in training only
    dense_dropout: Annotated[float, number(0, 0.95)] = 0.0  # the same after each hidden dense layer
    l1: Annotated[float, number(0, 1)] = 0.0  # L1 penalty on kernels (sparse); with l2 the elastic net
    l2: Annotated[float, number(0, 1)] = 0.0  # L2 penalty on kernels (shrinks)

    # Scores are divided by the temperature before the last activation. The threshold is the largest accepted distance
    # (ood.py), or None for a model without a detector. The detector of a network that has learned from outliers also
    # rejects predictions of less than a confidence. All three are fitted on validation.
    temperature: Annotated[float, number(1 / MAX_MAGNITUDE, MAX_MAGNITUDE)] = 1.0
    ood_threshold: Annotated[float | None, optional(number(1 / MAX_MAGNITUDE, MAX_MAGNITUDE))] = None
    min_confidence: Annotated[float, number(0, 1)] = 0.0

    title: Annotated[str, _name_or_empty] = ""  # what the demo calls the model
    versions: Annotated[dict[str, str], _versions] = field(default_factory=dict)  # of libraries; for information

    def __post_init__(self) -> None:
        """Check each field, then what depends on several."""
        check_fields(self)
        if not self.loss:
            object.__setattr__(self, "loss", default_loss(self.task))
        check_head(self.task, self.loss)
        self._check_labels()
        self._check_shapes()
        if self.task == "regression" and (self.temperature, self.ood_threshold) != (1, None):
            raise TrazoError("temperature and ood_threshold have no meaning for a regression")
        if self.min_confidence and (self.ood_threshold is None or self.task != "multiclass"):
            raise TrazoError("min_confidence belongs to a detector of a multiclass model, and needs ood_threshold")
        if self.task != "regression" and self.target_scaling is not None:
            raise TrazoError("target_scaling is for a regression")
        self._check_file_size()

    def _check_labels(self) -> None:
        count = len(self.labels)
        low, high = {"binary": (2, 2), "multiclass": (2, MAX_LABELS), "regression": (1, 1)}[self.task]
        if not low <= count <= high:
            raise TrazoError(f"a {self.task} task has {LABELS_NEEDED[self.task]}, not {count}")
        check_names("a label", self.labels)

    def _check_shapes(self) -> None:
        if len(self.image_shape) != 3:
            raise TrazoError(f"image_shape is height, width, channels, not {self.image_shape!r}")
        *sides, channels = self.image_shape
        for side in sides:
            whole(1, MAX_SIDE_PX)("a side of image_shape", side)
        if type(channels) is not int or channels not in (1, 3):
            raise TrazoError(f"an image_shape has 1 channel (gray) or 3 (RGB), not {channels!r}")
        if self.backbone:
            self._check_backbone()
        else:
            self._check_blocks()
        if self.largest_map > MAX_FEATURE_MAP_VALUES:
            network = "backbone" if self.backbone else "filters"
            raise TrazoError(
                f"image_shape and {network} ask for {self.largest_map:,} numbers in one layer; "
                f"at most {MAX_FEATURE_MAP_VALUES:,}"
            )
        if len(self.scaling.offset) not in (1, channels):
            raise TrazoError(f"scaling has {len(self.scaling.offset)} channels, image_shape {channels}")

    def _check_backbone(self) -> None:
        *sides, channels = self.image_shape
        shrinking = self._architecture.shrinking
        if channels != 3 or min(sides) < shrinking:
            raise TrazoError(
                f"the backbone {self.backbone} takes RGB images with sides of at least {shrinking} pixels, not "
                f"image_shape {self.image_shape}"
            )
        defaults = {f.name: f.default for f in fields(self)}
        for name in ("filters", *OF_BLOCKS):
            value = getattr(self, name)
            if value != (() if name == "filters" else defaults[name]):
                raise TrazoError(
                    f"{name} describes blocks, which a network with a backbone does not have; it is {value!r}"
                )

    def _check_blocks(self) -> None:
        sides = self.image_shape[:2]
        if not self.filters:
            raise TrazoError("filters is empty: a network needs blocks, or a backbone")
        blocks, given = len(self.filters), len(self.convolutions_of_blocks)
        if min(sides) < 2**blocks:
            possible = min(sides).bit_length() - 1
            raise TrazoError(f"{blocks} blocks halve a side of {min(sides)} too often; at most {possible} do not")
        if given != blocks:
            raise TrazoError(
                f"convolutions has {given} numbers for {blocks} blocks; give one for each block, or one for all"
            )
        if self.blocks == "residual" and not all(count % 2 for count in self.convolutions_of_blocks):
            raise TrazoError(
                f"a residual block has one convolution and pairs of them: 1, 3, 5, … convolutions, not "
                f"{self.convolutions!r}"
            )
        whole(1, min(sides))("kernel_size", self.kernel_size)

    def _check_file_size(self) -> None:
        """Refuse to make what could not be read again."""
        size = len(self.to_json().encode())
        if size > MAX_FILE_BYTES[CONFIG_FILE]:
            raise TrazoError(f"labels, title and versions are too long: {CONFIG_FILE} would have {size:,} bytes")

    @property
    def target_offset_and_scale(self) -> tuple[float, float]:
        """Return what a regression's scores are multiplied by and then moved by, as (offset, scale)."""
        return self.target_scaling.for_loss(self.loss) if self.target_scaling else (0.0, 1.0)

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
    def _architecture(self) -> Architecture:
        return get_architecture(self.backbone)

    @property
    def kernel_shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """Return the shape of each convolution's kernel, by the layer's name: height, width, inputs, filters."""
        if self.backbone:
            return self._architecture.kernel_shapes
        shapes, inputs = {}, self.image_shape[2]
        if self.stem_filters:
            shapes["stem"] = (self.kernel_size, self.kernel_size, inputs, self.stem_filters)
            inputs = self.stem_filters
        for block, (filters, convolutions) in enumerate(zip(self.filters, self.convolutions_of_blocks, strict=True), 1):
            for position in range(1, convolutions + 1):
                shapes[f"block{block}_conv{position}"] = (self.kernel_size, self.kernel_size, inputs, filters)
                inputs = filters
        return shapes

    @property
    def largest_map(self) -> int:
        """Return how many numbers the largest layer's feature maps hold, for one image."""
        height, width, _ = self.image_shape
        if self.backbone:
            return self._architecture.largest_map(height, width)
        of_blocks = ((height >> block) * (width >> block) * filters for block, filters in enumerate(self.filters))
        return max(height * width * self.stem_filters, *of_blocks)

    @property
    def block_outputs(self) -> list[str]:
        """Return the name of the layer whose output is that of each block, before its pooling in a plain one.

        Of a backbone, those that return the feature maps of its stages.
        """
        if self.backbone:
            return self._architecture.outputs
        if self.blocks == "residual":
            return [
                f"block{block}_add{count // 2}" if count > 1 else f"block{block}_conv1_{self.activation}"
                for block, count in enumerate(self.convolutions_of_blocks, 1)
            ]
        return [
            f"block{block}_conv{count}_{self.activation}" for block, count in enumerate(self.convolutions_of_blocks, 1)
        ]

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of the network's weights, by its path.

        It follows `network.build_network` without building it: a file that does not fit can be refused in time.
        """
        shapes = self._architecture.weight_shapes if self.backbone else {}

        def add(layer: str, kernel: tuple[int, ...], shared: tuple[int, ...]) -> None:
            units = kernel[-1:]
            shapes[f"{layer}/kernel"] = kernel
            if self.normalization == "none":
                shapes[f"{layer}/bias"] = units
            for part in NORMALIZATION_WEIGHTS[self.normalization]:
                shapes[f"{layer}_norm/{part}"] = units
            if self.activation == "prelu":
                shapes[f"{layer}_prelu/alpha"] = (*shared, *units)

        if not self.backbone:
            for layer, kernel in self.kernel_shapes.items():
                add(layer, kernel, (1, 1))
        features = self._dense_inputs
        for position, units in enumerate(self.dense_units, 1):
            add(f"dense{position}", (features, units), ())
            features = units
        units = output_units(self.task, len(self.labels))
        return shapes | {"head/kernel": (features, units), "head/bias": (units,)}

    @property
    def _dense_inputs(self) -> int:
        """Return how many values the first dense layer, or the head, takes."""
        if self.backbone:
            return self._architecture.features
        if not self.dense_units:
            return self.filters[-1]
        height, width, _ = self.image_shape
        for _ in self.filters:
            # A stride keeps the odd row and column that a pooling drops.
            odd = 1 if self.pooling == "stride" else 0
            height, width = (height + odd) // 2, (width + odd) // 2
        return height * width * self.filters[-1]

    @property
    def feature_count(self) -> int:
        """Return how many features an image has: the feature maps of every block and the hidden dense units."""
        of_maps = self._architecture.features if self.backbone else sum(self.filters)
        return of_maps + sum(self.dense_units)

    @property
    def extra_tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each tensor that is stored with the weights (ood.py), by its name."""
        if self.ood_threshold is None:
            return {}
        count = self.feature_count
        return {"ood/means": (len(self.labels), count), "ood/whitening": (count, count)}

    @property
    def kernel_parameters(self) -> int:
        """Return the number of weights in all kernels; biases, normalizations and slopes add a few per feature map."""
        return sum(prod(shape) for name, shape in self.weight_shapes.items() if name.endswith("/kernel"))

    def to_json(self) -> str:
        """Return the text of trazo.json."""
        values = {"format_version": FORMAT_VERSION, "model_type": "trazo-cnn", **asdict(self)}
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = CONFIG_FILE) -> "CnnConfig":
        """Read what `to_json` wrote.

        Args:
            text: the file's text.
            source: the file's name, for messages.

        Raises:
            ModelError: if it is anything else; the text names the source and the reason.
        """
        try:
            values: Any = json.loads(text, object_pairs_hook=_reject_repeated_keys, parse_constant=_reject_constant)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{source} is not valid JSON: {error}") from None
        if not isinstance(values, dict):
            raise ModelError(f"{source} must hold a JSON object")
        version = values.pop("format_version", None)
        if type(version) is not int or version != FORMAT_VERSION:  # 1.0 and true are equal to 1
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
        """Read a trazo.json; see `from_json`."""
        path = Path(path)
        try:
            text = read_file(path.parent, path.name)
            if text is None:
                raise ModelError(f"{path} does not exist")
            return cls.from_json(text.decode(), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} cannot be read: {error}") from None


def _reject_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):  # readers differ in which value they take
        [(repeated, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{repeated!r} appears more than once")
    return values


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
