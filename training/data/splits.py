"""The splits of a run: which rows are trained on, validated on and tested on."""

import logging
from dataclasses import dataclass, replace
from typing import Any

from model.errors import TrazoError
from training.config import DataConfig
from training.data.image_shape import first_image_shape
from training.data.parquet.byte_ranges import HttpOptions
from training.data.parquet.source import SplitNotFoundError
from training.data.stream import HubStream

MAX_DEFAULT_SIDE_PX = 128  # of the network's input without --image-size; larger ones take minutes per batch on a CPU

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class TrainingData:
    """The two parts of the training split, and the shape of the network's input."""

    train: HubStream
    validation: HubStream
    image_shape: tuple[int, int, int]  # height, width, channels


def open_stream(data: DataConfig, split: str, **settings: Any) -> HubStream:
    """Open one split of the first dataset; `settings` are further arguments of `HubStream`."""
    return HubStream(
        data.dataset,
        split,
        config=data.config,
        revision=data.revision,
        layout=data.layout,
        image_column=data.image_column,
        label_column=data.label_column,
        task=data.task,
        sketches=data.dataset in data.sketches,
        on_error=data.on_error,
        window_rows=data.window_rows,
        http=HttpOptions(data.timeout, data.retries, data.cache_bytes),
        **settings,
    )


def open_data(data: DataConfig, seed: int = 0, batch_size: int = 128) -> TrainingData:
    """Open the training split of every dataset, without the rows that `open_test` takes, and hold out validation rows.

    Each dataset is split separately; then their rows are concatenated.

    Args:
        data: which rows.
        seed: of the order of the rows.
        batch_size: rows per batch.

    Raises:
        TrazoError: if a dataset, a split or a column does not exist, or the datasets have different classes.
    """
    streams = [open_stream(one, data.split, seed=seed, batch_size=batch_size) for one in one_config_per_dataset(data)]
    columns = dict.fromkeys(column for stream in streams for column in stream.features)
    if data.group_column and data.group_column not in columns:
        raise TrazoError(f"no dataset has a column {data.group_column!r}; there are {', '.join(columns)}")
    stream = HubStream.concat([_without_test_rows(data, stream) for stream in streams])
    train, validation = stream.hold_out(data.validation_fraction)
    return TrainingData(train, validation, _input_shape(first_image_shape(train), data.image_size))


def open_test(data: DataConfig, labels: tuple[str, ...] | None = None) -> tuple[HubStream, str]:
    """Open the test split. If the dataset has none, open the rows that `open_data` left out.

    Args:
        data: which rows; only the first dataset is opened.
        labels: class names in the order of the ids, if they come from a model.

    Returns:
        (the stream, a name for its rows).

    Raises:
        TrazoError: if a split was requested by a name other than `test` and does not exist.
    """
    try:
        return open_stream(data, data.test_split, labels=labels), data.test_split
    except SplitNotFoundError:
        if data.test_split != "test":
            raise
    stream, key = open_stream(data, data.split, labels=labels), "row id"
    if data.group_column and data.group_column in stream.features:
        stream, key = stream.with_groups(data.group_column), data.group_column
    return stream.hold_out(data.test_fraction)[1], f"{data.split}, {data.test_fraction:.0%} held out by {key}"


def one_config_per_dataset(data: DataConfig) -> list[DataConfig]:
    """Return a config for each dataset. Config, revision, layout and columns are of the first; others use defaults."""
    others = [name for name in dict.fromkeys((*data.extra_datasets, *data.sketches)) if name != data.dataset]
    plain = replace(
        data, extra_datasets=(), config=None, revision=None, layout=None, image_column=None, label_column=None
    )
    return [replace(data, extra_datasets=()), *(replace(plain, dataset=name) for name in others)]


def _without_test_rows(data: DataConfig, stream: HubStream) -> HubStream:
    if data.group_column and data.group_column in stream.features:
        stream = stream.with_groups(data.group_column)
    if data.test_split == "test" and "test" not in stream.source.splits:
        stream, _ = stream.hold_out(data.test_fraction)
    return stream


def _input_shape(image_shape: tuple[int, int, int], size: int | None) -> tuple[int, int, int]:
    """Return height, width and channels of the network's input for images shaped like the first one."""
    height, width, channels = image_shape
    scale = (size or min(max(height, width), MAX_DEFAULT_SIDE_PX)) / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale)), channels
    if shape != image_shape:
        logger.info("images of %d×%d pixels are resized to %d×%d", width, height, shape[1], shape[0])
    return shape
