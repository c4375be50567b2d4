"""A page that classifies drawings and images in the browser: one HTML file that needs no server and no network.

It computes with its own small program, `web/network.js`: a runtime for all networks would add twelve megabytes, while a
network of blocks has few kinds of layers, and what takes the time is a product of matrices, 500 bytes of WebAssembly.
"""

import html
import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from model.backend import keras
import numpy as np

from model import CnnModel
from model.artifacts import TRAINING_FILE
from model.drawings import takes_drawings
from model.errors import TrazoError
from model.io.reports.training import TrainingReport

WEB = Path(__file__).parent / "web"
SCRIPTS = ("network.js", "drawing.js", "page.js")
MAX_PAGE_PARAMETERS = 10_000_000  # 53 MB as text
NODE_TIMEOUT_S = 600
SKIPPED = (keras.layers.InputLayer, keras.layers.Dropout)

layers = keras.layers


def write_page(cnn: CnnModel, path: Path) -> None:
    """Write the page of a model.

    Raises:
        TrazoError: if the page's program does not know a layer of the network, or it has too many weights.
    """
    config = cnn.config
    if config.backbone:
        raise TrazoError("html is for networks of blocks, not for those with a backbone; onnx runs these in a browser")
    if (count := cnn.network.count_params()) > MAX_PAGE_PARAMETERS:
        raise TrazoError(f"html: the network has {count:,} weights, a page holds {MAX_PAGE_PARAMETERS:,}; use onnx")
    found, weights = list_layers(cnn.network)
    training = TrainingReport.read(cnn.folder / TRAINING_FILE) if cnn.folder else None
    learned_drawings = training is not None and any(source.sketches for source in training.data.sources)
    height, width, channels = config.image_shape
    model = {
        "title": config.title,
        "task": config.task,
        "labels": config.labels,
        "draws": takes_drawings(config, learned_drawings),
        "background": config.pixel_format.background,
        "shape": {"height": height, "width": width, "channels": channels},
        "layers": found,
        "weights": b64encode(weights.astype("<f4").tobytes()).decode(),
        "multiply": b64encode((WEB / "multiply.wasm").read_bytes()).decode(),
    }
    script = "\n".join((WEB / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (WEB / "page.css").read_text(encoding="utf-8")
    parts = {
        "policy": f"default-src 'none'; script-src '{_hash(script)}' 'wasm-unsafe-eval'; style-src '{_hash(style)}'; "
        "img-src blob:; base-uri 'none'; form-action 'none'",
        "title": html.escape(config.title or ", ".join(config.labels[:10])),
        "style": style,
        "model": json.dumps(model, ensure_ascii=False).replace("<", "\\u003c"),
        "script": script,
    }
    template = (WEB / "page.html").read_text(encoding="utf-8")
    path.write_text(re.sub(r"\{\{ (\w+) \}\}", lambda name: parts[name[1]], template), encoding="utf-8")


def list_layers(network: keras.Model) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Return the layers as `web/network.js` computes them, and all their weights, float32 (n,), in the same order.

    A batch normalization that follows a convolution or a dense layer is part of its weights.
    """
    found: list[dict[str, Any]] = []
    weights: list[list[np.ndarray]] = []
    numbers: dict[int, int] = {}  # id of a tensor -> number of the layer that returns it, from 1; 0 is the image

    def add(kind: str, source: int, *values: Any, **options: Any) -> int:
        found.append({"kind": kind, "input": source, **options})
        weights.append([np.asarray(value, np.float64).reshape(-1) for value in values])
        return len(found)

    consumers = [id(tensor) for layer in network.layers for tensor in _inputs(layer)]
    for layer in network.layers:
        if isinstance(layer, layers.InputLayer):
            numbers[id(layer.output)] = 0
            continue
        sources = [numbers[id(tensor)] for tensor in _inputs(layer)]
        source = sources[0]
        if isinstance(layer, SKIPPED):
            number = source
        elif isinstance(layer, layers.BatchNormalization):
            factor, offset = _batch_factors(layer)
            last = found[source - 1]["kind"] if source else ""
            if last == "convolution" and consumers.count(id(layer.input)) == 1:
                kernel, bias = weights[source - 1]
                weights[source - 1] = [(kernel.reshape(-1, len(bias)) * factor).reshape(-1), bias * factor + offset]
                number = source
            else:
                number = add("scale", source, factor, offset)
        else:
            number = _add_layer(layer, sources, add)
        numbers[id(layer.output)] = number
    return found, np.concatenate([part for parts in weights for part in parts]).astype(np.float32)


def _add_layer(layer: keras.Layer, sources: list[int], add: Callable[..., int]) -> int:
    source = sources[0]
    match layer:
        case layers.Rescaling():
            channels = layer.input.shape[-1]
            return add("scale", source, *(np.broadcast_to(one, channels) for one in (layer.scale, layer.offset)))
        case layers.Conv2D() | layers.Dense():
            units = layer.kernel.shape[-1]
            bias = layer.bias.numpy() if layer.use_bias else np.zeros(units)
            side, stride = (layer.kernel_size[0], layer.strides[0]) if isinstance(layer, layers.Conv2D) else (1, 1)
            return add("convolution", source, layer.kernel.numpy(), bias, side=side, stride=stride, filters=units)
        case layers.LayerNormalization():
            return add("normalize", source, layer.gamma.numpy(), layer.beta.numpy(), epsilon=layer.epsilon)
        case layers.PReLU():
            return add("prelu", source, layer.alpha.numpy())
        case layers.LeakyReLU():
            return add("activate", source, name="leaky_relu")
        case layers.MaxPooling2D() | layers.AveragePooling2D():
            return add("pool", source, average=isinstance(layer, layers.AveragePooling2D))
        case layers.GlobalAveragePooling2D():
            return add("mean", source)
        case layers.Flatten():
            return add("flatten", source)
        case layers.Add():
            return add("add", source, other=sources[1])
        case layers.Activation():
            name = layer.activation.__name__
            return source if name == "linear" else add("activate", source, name=name)
    raise TrazoError(f"html: the page's program has no layer {type(layer).__name__}; use onnx")


def _batch_factors(layer: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Return what a batch normalization multiplies by and then adds, float64 (channels,) each."""
    gamma, beta, mean, variance = (np.asarray(one, np.float64) for one in layer.get_weights())
    factor = gamma / np.sqrt(variance + layer.epsilon)
    return factor, beta - mean * factor


def _inputs(layer: keras.Layer) -> list[keras.KerasTensor]:
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


# --- What runs a page outside a browser: the check, and the time of an answer ---


def load_page(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return what computes a page's outputs in Node.js; see `Predict` in `converters`."""
    return lambda pixels: _run(path, pixels)[0]


def page_latency(path: Path, pixels: np.ndarray) -> float:
    """Return the median of the milliseconds that an answer of a page takes in Node.js."""
    return _run(path, pixels)[1]


def _run(path: Path, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    command = ["node", str(WEB / "run_page.js"), str(path)]
    done = subprocess.run(
        command, input=pixels.astype(np.uint8).tobytes(), capture_output=True, timeout=NODE_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise TrazoError(f"Node.js cannot run the page: {done.stderr.decode(errors='replace').strip()[-500:]}")
    *outputs, milliseconds = np.frombuffer(done.stdout, "<f4")
    return np.array(outputs, np.float32).reshape(len(pixels), -1), float(milliseconds)
