"""What training does with the data: the network's input, the parts, the steps, and about how long it takes."""

import math
from collections.abc import Sequence

import numpy as np

from model.config import CnnConfig
from model.io.reports.inspection import ClassRows, Estimate, NetworkInput, Part, Plan
from model.preprocess.facts import FACTS
from training.data.inspection.contents import class_rows
from training.data.inspection.overlaps import Side, find_overlaps
from training.data.inspection.scanned import ScannedSplit
from training.data.splits import DatasetParts, TrainingData
from training.data.stream import HubStream
from training.presets import PRESETS, choose_preset

# Milliseconds of training per image on 2 cores of an Intel Xeon, from the steps that `training.tuning.speed` took: on
# MNIST for `fast` and `default`, the work of whose convolutions is proportional to the pixels; on photographs of 32 to
# 128 pixels for `photo`, whose five times are met within 30 %: 1.14, 1.01, 1.37, 1.59 and 2.58 ms.
MS_PER_IMAGE = {"fast": 0.08, "default": 0.70}
MEASURED_PIXELS = 28 * 28
MS_PER_MULTIPLICATION, MS_PER_PIXEL = 9e-9, 65e-6  # of `photo`; pixels are decoded, augmented and halved
ESTIMATED = (*MS_PER_IMAGE, "photo")


def plan_training(
    opened: TrainingData,
    splits: Sequence[Sequence[ScannedSplit]],
    tests: Sequence[tuple[HubStream, str]],
    batch_size: int,
) -> Plan:
    """Return what a training does.

    Args:
        opened: the training data.
        splits: of each dataset in `opened.parts`, those that were looked at.
        tests: of each dataset, the rows to measure on and their name; empty if they are not looked at.
        batch_size: rows per step.
    """
    train = opened.train
    streams = {
        "training": [(part.train, f"split {part.train.source.split}") for part in opened.parts],
        "validation": [(part.validation, _validation_source(part)) for part in opened.parts],
        "test": list(tests),
    }
    sides = [Side(name, _members(found, splits)) for name, found in streams.items() if found]
    is_scanned = all(split.index is not None for side in sides for split, _ in side.members)
    parts = [
        Part(
            name=side.name,
            source="; ".join(dict.fromkeys(source for _, source in streams[side.name])),
            # Rows that cannot be used may be left in a stream: they are found and counted, and no batch has them.
            rows=sum(int(split.usable(rows).sum()) for split, rows in side.members)
            if is_scanned
            else sum(stream.rows for stream, _ in streams[side.name]),
            classes=_classes(side) if is_scanned and train.task != "regression" else [],
        )
        for side in sides
    ]
    counts = [one.rows for one in parts[0].classes if one.rows]
    return Plan(
        task=train.task,
        classes=len(train.labels),
        input=_network_input(opened),
        parts=parts,
        overlaps=find_overlaps(sides) if is_scanned and all(map(_has_usable_rows, sides)) else None,
        imbalance=round(max(counts) / min(counts), 2) if counts else None,
        batch_size=batch_size,
        batches=math.ceil(train.rows / batch_size),
        preset=choose_preset(opened.image_kind.photographs),
        preset_reason=opened.image_kind.reason,
        estimates=[_estimate(name, train.task, train.rows, opened.image_shape) for name in ESTIMATED],
    )


def _validation_source(part: DatasetParts) -> str:
    split = part.validation.source.split
    if split != part.train.source.split:
        return f"split {split}"
    return f"held out of split {split} by {part.held_out_by}"


def _members(
    streams: Sequence[tuple[HubStream, str]], splits: Sequence[Sequence[ScannedSplit]]
) -> list[tuple[ScannedSplit, np.ndarray]]:
    """Return the split of each stream, with a mask of the stream's rows."""
    members = []
    for (stream, _), scanned in zip(streams, splits, strict=True):
        split = next(one for one in scanned if one.name == stream.source.split)
        members.append((split, stream.mask(np.arange(stream.source.table.total))))
    return members


def _has_usable_rows(side: Side) -> bool:
    return any(split.usable(rows).any() for split, rows in side.members)


def _classes(side: Side) -> list[ClassRows]:
    totals: dict[str, int] = {}
    for split, rows in side.members:
        for one in class_rows(split, rows):
            totals[one.name] = totals.get(one.name, 0) + one.rows
    return [ClassRows(name=name, rows=rows) for name, rows in totals.items()]


def _network_input(opened: TrainingData) -> NetworkInput:
    chosen, indexes = opened.input_shape, [index for part in opened.parts if (index := part.index) is not None]
    found = [index.distinct_facts(index.readable) for index in indexes] or [(np.zeros(0, FACTS), np.zeros(0, np.int64))]
    facts, counts = map(np.concatenate, zip(*found, strict=True))
    return NetworkInput(
        width=chosen.shape[1],
        height=chosen.shape[0],
        color=chosen.shape[2] == 3,
        common_width=chosen.common_size[1],
        common_height=chosen.common_size[0],
        other_size=chosen.other_size,
        other_color=chosen.other_color,
        transparent=int(counts[facts["alpha"]].sum()) if indexes else None,
        background=opened.pixel_format.background,
        deep=int(counts[facts["bits"] == 16].sum()) if indexes else None,
        white_level=opened.pixel_format.white_level,
    )


def _estimate(name: str, task: str, rows: int, image_shape: tuple[int, int, int]) -> Estimate:
    preset = PRESETS[name]().fit_to(task, image_shape, rows)
    recipe, pixels = preset.training, image_shape[0] * image_shape[1]
    if name in MS_PER_IMAGE:
        ms_per_image = MS_PER_IMAGE[name] * pixels / MEASURED_PIXELS
    else:  # its network has other blocks for other sizes
        architecture = {key: value for key, value in preset.architecture.items() if key != "scaling"}
        work = _multiplications(CnnConfig(**architecture, image_shape=image_shape))
        ms_per_image = MS_PER_MULTIPLICATION * work + MS_PER_PIXEL * pixels
    images = recipe["epochs"] * min(rows, recipe.get("steps_per_epoch", math.inf) * 128)
    minutes = images * ms_per_image / 60_000
    return Estimate(preset=name, epochs=recipe["epochs"], minutes=float(f"{minutes:.2g}"))


def _multiplications(network: CnnConfig) -> float:
    """Return how many multiplications the convolutions of residual blocks take for an image."""
    height, width, inputs = network.image_shape
    kernel, stem = network.kernel_size**2, network.stem_filters
    total = height * width * kernel * inputs * stem
    inputs = stem or inputs
    for filters, convolutions in zip(network.filters, network.convolutions_of_blocks, strict=True):
        total += height * width * kernel * inputs * filters
        height, width, inputs = height // 2, width // 2, filters
        total += (convolutions - 1) * height * width * kernel * filters**2
    return total
