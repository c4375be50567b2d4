"""What the map of the network shows: its stages, their maps, how each value came about, and the evidence.

The functions run in the network's process and compute everything again from the image, which takes milliseconds:
nothing is kept for a visitor. Their answers are JSON for `network_map.js`, of at most about 60 kB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.console import one_line
from ui.edges.likeness import nearest_kernel
from ui.i18n import UserError
from ui.inference.compact import pack_maps, pack_numbers, short

if TYPE_CHECKING:
    from model.evidence import Evidence
    from model.explain import Explainer
    from model.stages import Stage
    from model.trace import Trace

MAX_IMAGE_VALUES = 30_000  # of the images in one answer, each a byte
MAX_PLACES = MAX_IMAGE_VALUES // 6  # of the evidence in one answer, each a number
MAX_TERMS = 900  # products in one answer, each two numbers
MAX_MAPS = 256  # of a layer in one answer
THUMBNAILS = 3  # of a stage
THUMBNAIL_VALUES = 32  # of a stage whose maps are single values
INPUTS = 3  # whose part of a map is shown as an image
MAX_CLASSES = 20  # the most likely ones
MAX_FEATURES = 12  # that are listed as evidence
MAX_LABEL_CHARS = 60


def open_map(explainer: Explainer, pixels: np.ndarray) -> dict[str, Any]:
    """Return the stages with their shapes, parameters and strongest maps, and the classes with their probabilities."""
    trace, config = explainer.trace(pixels), explainer.model.config
    room = MAX_IMAGE_VALUES // (len(trace.stages) + 1)
    return {
        "stages": [_describe(trace, stage, room) for stage in trace.stages],
        "parameters": explainer.model.network.count_params(),
        "input": pack_maps(trace.pixels, room) | {"shape": list(config.image_shape)},
        "classes": _classes(explainer, explainer.evidence(trace)),
    }


def show_stage(explainer: Explainer, pixels: np.ndarray, name: str, first: int) -> dict[str, Any]:
    """Return the maps of a stage, as many as an answer has room for.

    Args:
        explainer: of the network.
        pixels: the network's input.
        name: of the stage.
        first: number of the first map.
    """
    trace = explainer.trace(pixels)
    stage = _find(trace, name)
    maps = trace.maps(stage)
    height, width, count = maps.shape
    shown = max(1, min(MAX_MAPS, MAX_IMAGE_VALUES // (height * width)))
    first = min(max(first, 0), count - 1) // shown * shown
    flat = maps.reshape(-1, count)
    return {
        "name": name,
        "first": first,
        "shown": shown,
        "count": count,
        "silent": int((flat.min(axis=0) == flat.max(axis=0)).sum()) if len(flat) > 1 else int((flat == 0).sum()),
        "lowest": short(maps.min()),
        "highest": short(maps.max()),
        "maps": pack_maps(maps[..., first : first + shown], MAX_IMAGE_VALUES),
    } | _kernels(trace, stage, first, shown)


def show_value(
    explainer: Explainer, pixels: np.ndarray, name: str, unit: int, place: tuple[int, int] | None
) -> dict[str, Any]:
    """Return how one value of a map came about.

    Args:
        explainer: of the network.
        pixels: the network's input.
        name: of the stage.
        unit: number of the map.
        place: row and column of the value; None for the one farthest from zero.
    """
    trace = explainer.trace(pixels)
    stage = _find(trace, name)
    height, width, count = stage.shape
    if not 0 <= unit < count or (place and not (0 <= place[0] < height and 0 <= place[1] < width)):
        raise UserError("failed")
    y, x = place or trace.strongest_place(stage, unit)
    source = trace.source(stage)
    top, left, rows, columns = trace.window(stage, y, x)
    answer = {
        "name": name,
        "unit": unit,
        "y": y,
        "x": x,
        "source": source.name if source else None,
        "sourceShape": list(trace.maps(source).shape),
        "window": [top, left, rows, columns],
        "value": short(trace.maps(stage)[y, x, unit]),
        "map": pack_maps(trace.maps(stage)[..., [unit]], MAX_IMAGE_VALUES // 10),
    }
    answer |= _after_first_layer(trace, stage, unit, y, x)
    if stage.is_weighted:
        return answer | _weighted(trace, stage, unit, y, x)
    if stage.kind == "join":
        source, unit = trace.joined(stage, unit)
        return answer | _summands(trace, [source], unit, y, x)
    if stage.kind == "add":
        return answer | _summands(trace, [trace.stage(name) for name in stage.sources], unit, y, x)
    return answer | _unweighted(explainer, trace, stage, unit, y, x)


def show_evidence(explainer: Explainer, pixels: np.ndarray, label: int | None, other: int | None) -> dict[str, Any]:
    """Return what speaks for a label, and for it rather than for another one.

    Args:
        explainer: of the network.
        pixels: the network's input.
        label: None for the most likely one.
        other: to compare with; None for no other one.
    """
    trace, config = explainer.trace(pixels), explainer.model.config
    evidence = explainer.evidence(trace)
    scores = evidence.scores
    label = int(scores.argmax()) if label is None else label
    if not all(0 <= one < len(scores) for one in (label, other or 0)) or label == other:
        raise UserError("failed")
    parts, bias = evidence.by_feature(label), float(evidence.bias[label])
    places = evidence.by_place(label, MAX_PLACES)
    if other is not None:
        parts, bias = parts - evidence.by_feature(other), bias - float(evidence.bias[other])
        places = None if places is None else places - evidence.by_place(other, MAX_PLACES)
    order = np.argsort(-np.abs(parts), kind="stable")[:MAX_FEATURES]
    weights = evidence.weights[:, label] - (0 if other is None else evidence.weights[:, other])
    offset, scale = config.target_offset_and_scale
    return {
        "label": label,
        "other": other,
        "score": short(scores[label] - (0 if other is None else scores[other])),
        "bias": short(bias),
        "featureStage": evidence.feature_stage.name,
        "features": [
            {"unit": int(i), "value": short(evidence.features[i]), "weight": short(weights[i]), "part": short(parts[i])}
            for i in order
        ],
        "restCount": len(parts) - len(order),
        "rest": short(parts.sum() - parts[order].sum()),
        "places": None
        if places is None or places.size > MAX_PLACES
        else {"height": places.shape[0], "width": places.shape[1], "values": pack_numbers(places)},
        "placesStage": grid.stage.name if (grid := evidence.grid(MAX_PLACES)) else None,
        "input": pack_maps(trace.pixels, MAX_IMAGE_VALUES // 2) | {"shape": list(config.image_shape)},
        "classes": _classes(explainer, evidence, label, other),
        "temperature": config.temperature,
        "task": config.task,
        "target": {
            "name": one_line(config.labels[0])[:MAX_LABEL_CHARS],
            "offset": offset,
            "scale": scale,
            "activation": "softplus" if config.loss == "poisson" else "linear",
        }
        if config.task == "regression"
        else None,
    }


def _find(trace: Trace, name: str) -> Stage:
    try:
        return trace.stage(name)
    except ValueError:
        raise UserError("failed") from None


def _describe(trace: Trace, stage: Stage, room: int) -> dict[str, Any]:
    maps = trace.maps(stage)
    height, width, count = maps.shape
    if height * width > 1:
        strongest = np.argsort(-np.abs(maps).mean(axis=(0, 1)), kind="stable")[:THUMBNAILS]
    else:
        strongest = np.arange(min(count, THUMBNAIL_VALUES))
    layer = trace.network.get_layer(stage.name)
    details: dict[str, Any] = {}
    if stage.kind in ("convolution", "depthwise"):
        details = {"kernel": list(layer.kernel_size), "stride": layer.strides[0]}
    elif stage.kind == "dense":
        details = {"inputs": int(np.prod(trace.maps(trace.source(stage)).shape))}
    return details | {
        "name": stage.name,
        "kind": stage.kind,
        "shape": list(stage.shape),
        "parameters": stage.parameters,
        "normalized": stage.normalization is not None,
        "activation": stage.activation,
        "strongest": strongest.tolist(),
        "maps": pack_maps(maps[..., strongest], room),
    }


def _kernels(trace: Trace, stage: Stage, first: int, shown: int) -> dict[str, Any]:
    """Return the kernels of a convolution that takes one map, and which known ones they are like."""
    if stage.kind != "convolution" or trace.maps(trace.source(stage)).shape[2] != 1:
        return {}
    kernels = trace.weights(stage)[:, :, 0, first : first + shown]
    return {
        "kernels": pack_maps(kernels, MAX_IMAGE_VALUES // 4),
        "alike": [nearest_kernel(kernel) for kernel in kernels.transpose(2, 0, 1)],
    }


def _weighted(trace: Trace, stage: Stage, unit: int, y: int, x: int) -> dict[str, Any]:
    """Return the parts of a value that is a sum of weights times values."""
    terms = trace.terms(stage, unit, y, x).strongest_first()
    shown = terms.first(max(1, MAX_TERMS // terms.values[0].size))
    answer = {
        "maps": shown.maps.tolist(),
        "tops": shown.top.tolist(),
        "lefts": shown.left.tolist(),
        "rows": terms.values.shape[1],
        "columns": terms.values.shape[2],
        "values": pack_numbers(shown.values),
        "weights": pack_numbers(shown.weights),
        "restCount": len(terms.maps) - len(shown.maps),
        "rest": short(terms.sums.sum() - shown.sums.sum()),
        "bias": short(trace.bias(stage, unit)),
    }
    return answer | _images(trace, stage, unit, list(dict.fromkeys(terms.maps.tolist()))[:INPUTS])


def _after_first_layer(trace: Trace, stage: Stage, unit: int, y: int, x: int) -> dict[str, Any]:
    """Return what a stage's first layer makes of a value, and what normalization and activation then make of it."""
    steps = trace.steps(stage)
    normalization = trace.normalization(stage, unit, y, x)
    return {
        "first": short(steps[0][y, x, unit]),
        "normalization": normalization
        and {name: value if isinstance(value, str) else short(value) for name, value in vars(normalization).items()},
        "normalized": short(steps[1][y, x, unit]) if normalization else None,
        "activation": stage.activation,
        "slope": trace.slope(stage, unit),
    }


def _summands(trace: Trace, sources: list[Stage], unit: int, y: int, x: int) -> dict[str, Any]:
    """Return the values of stages that are added, or the one that is taken as it is."""
    room = MAX_IMAGE_VALUES // 4 // len(sources)
    return {
        "summands": [
            {
                "stage": source.name,
                "unit": unit,
                "value": short(trace.maps(source)[y, x, unit]),
                "map": pack_maps(trace.maps(source)[..., [unit]], room),
            }
            for source in sources
        ],
        "inputs": [],
        "chain": None,
    }


def _images(trace: Trace, stage: Stage, unit: int, inputs: list[int]) -> dict[str, Any]:
    """Return a unit's strongest inputs, what each contributes, and the sum on its way to the map, as images."""
    source = trace.maps(trace.source(stage))
    if source.shape[0] * source.shape[1] == 1:
        return {"inputs": [], "chain": None}
    room = MAX_IMAGE_VALUES // 4
    parts = [trace.contribution(stage, unit, one) for one in inputs]
    chain = None
    if stage.shape[0] * stage.shape[1] > 1:
        chain = pack_maps(np.stack([step[..., unit] for step in trace.steps(stage)], axis=-1), room)
    return {
        "inputs": inputs,
        "inputMaps": pack_maps(source[..., inputs], room),
        "parts": pack_maps(np.stack(parts, axis=-1), room),
        "chain": chain,
    }


def _unweighted(explainer: Explainer, trace: Trace, stage: Stage, unit: int, y: int, x: int) -> dict[str, Any]:
    """Return the parts of a value that is a scaled pixel, a maximum or a mean."""
    windowed = trace.windowed(stage, y, x)[..., unit]
    answer: dict[str, Any] = {"inputs": [unit], "chain": None}
    answer["inputMaps"] = pack_maps(trace.maps(trace.source(stage))[..., [unit]], MAX_IMAGE_VALUES // 4)
    if stage.kind == "scaling":
        scaling = explainer.model.config.scaling
        offset, scale = scaling.offset, scaling.scale
        channel = unit if len(offset) > 1 else 0
        answer |= {"pixel": short(windowed[0, 0]), "offset": short(offset[channel]), "scale": short(scale[channel])}
        return answer
    answer |= {"rows": windowed.shape[0], "columns": windowed.shape[1]}
    if windowed.size <= MAX_TERMS:
        answer["values"] = pack_numbers(windowed)
    if stage.kind == "max":
        answer["winner"] = [int(one) for one in np.unravel_index(windowed.argmax(), windowed.shape)]
    else:
        answer["sum"] = short(windowed.astype(np.float64).sum())
    return answer


def _classes(explainer: Explainer, evidence: Evidence, *wanted: int | None) -> dict[str, Any] | None:
    """Return the most likely and the wanted labels on their way through the softmax; None for a regression."""
    config = explainer.model.config
    if config.task == "regression":
        return None
    scaled = evidence.scores / config.temperature
    powers = np.exp(scaled - scaled.max())
    chosen = np.argsort(-scaled, kind="stable")[:MAX_CLASSES].tolist()
    chosen += [one for one in wanted if one is not None and one not in chosen]
    rows = [
        {
            "id": one,
            "label": one_line(config.labels[one])[:MAX_LABEL_CHARS],
            "score": short(evidence.scores[one]),
            "scaled": short(scaled[one]),
            "power": short(powers[one]),
            "probability": short(powers[one] / powers.sum()),
        }
        for one in chosen
    ]
    return {"rows": rows, "powers": short(powers.sum()), "highest": short(scaled.max()), "count": len(scaled)}
