"""How each export format is written, and the runtime that reads it again for the check."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from statistics import median
from subprocess import run
from time import perf_counter

import numpy as np

from model import CnnModel
from model.errors import TrazoError
from training.release.c_header import load_header, write_header
from training.release.html_page import load_page, page_latency, write_page
from training.release.quantization import write_int8_litert, write_int8_onnx

MAX_TIMED_IMAGES = 100
WARM_UP_IMAGES = 5

Predict = Callable[[np.ndarray], np.ndarray]  # pixels float32 (n, h, w, c) -> the network's output, float32 (n, units)
# The model, the file to write, and rows of the training split to calibrate on, uint8 (n, h, w, c);
# None for formats in float32.
Write = Callable[..., None]


@dataclass(frozen=True)
class Converter:
    """How a format is written as one file, and the runtime that reads it.

    Attributes:
        runtime: a package, or the program `node`.
        modules: that are needed besides TensorFlow, which converts to LiteRT itself.
        write: writes the file.
        load: returns what runs it.
        is_quantized: whether it computes in whole numbers, so that its answers are near those of Keras, not the same.
        latency: see `median_latency`; None if the runtime here says nothing about the time where the file is for.
    """

    runtime: str
    modules: tuple[str, ...]
    write: Write
    load: Callable[[Path], Predict]
    is_quantized: bool = False
    latency: Callable[[Path, np.ndarray], float] | None = None

    def check_installed(self, name: str) -> None:
        """Refuse a format whose packages or programs are missing.

        Raises:
            TrazoError: with what is missing, and how to install it.
        """
        if missing := [module for module in self.modules if find_spec(module) is None]:
            raise TrazoError(f"{name} needs {' and '.join(missing)}: `pip install -r requirements.txt`")
        if self.runtime == "node" and not which("node"):
            raise TrazoError(f"{name} needs Node.js, which runs the page's network to check it: https://nodejs.org")

    def describe_runtime(self) -> str:
        """Return the runtime's name and version."""
        if self.runtime == "node":
            return f"Node.js {run(['node', '--version'], capture_output=True, text=True, check=True).stdout.strip()}"
        return f"{self.runtime} {version(self.runtime)}"


def median_latency(predict: Predict, pixels: np.ndarray) -> float:
    """Return the median of the milliseconds that a runtime takes for one image, float32 (n, h, w, c) given."""
    times = []
    for number in range(WARM_UP_IMAGES + min(MAX_TIMED_IMAGES, len(pixels))):
        position = number % len(pixels)
        started = perf_counter()
        predict(pixels[position : position + 1])
        times.append(1000 * (perf_counter() - started))
    return median(times[WARM_UP_IMAGES:])


def _write_onnx(cnn: CnnModel, path: Path, _: np.ndarray | None = None) -> None:
    from training.release.tf2onnx_compat import register_erfc

    register_erfc()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of tf2onnx, about NumPy
        cnn.network.export(str(path), format="onnx", verbose=False)


def _write_quantized_onnx(cnn: CnnModel, path: Path, rows: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        _write_onnx(cnn, exact)
        write_int8_onnx(exact, path, rows)


def _write_litert(cnn: CnnModel, path: Path, _: np.ndarray | None) -> None:
    cnn.network.export(str(path), format="litert", verbose=False)


def _load_onnx(path: Path) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the time of an answer is that of one core, as on a phone or in a browser
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {session.get_inputs()[0].name: pixels})[0]


def _load_litert(path: Path) -> Predict:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    input_index, output_index = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )
    prepared: tuple[int, ...] = ()

    def predict(pixels: np.ndarray) -> np.ndarray:
        nonlocal prepared
        if pixels.shape != prepared:
            interpreter.resize_tensor_input(input_index, pixels.shape)
            interpreter.allocate_tensors()
            prepared = pixels.shape
        interpreter.set_tensor(input_index, pixels)
        interpreter.invoke()
        return interpreter.get_tensor(output_index)

    return predict


def _time(load: Callable[[Path], Predict]) -> Callable[[Path, np.ndarray], float]:
    return lambda path, pixels: median_latency(load(path), pixels)


CONVERTERS = {  # by the names of `EXPORT_FORMATS`
    "onnx": Converter("onnxruntime", ("tf2onnx", "onnxruntime"), _write_onnx, _load_onnx, latency=_time(_load_onnx)),
    "onnx-int8": Converter(
        "onnxruntime", ("tf2onnx", "onnxruntime"), _write_quantized_onnx, _load_onnx, True, _time(_load_onnx)
    ),
    "litert": Converter("ai-edge-litert", ("ai_edge_litert",), _write_litert, _load_litert, False, _time(_load_litert)),
    "litert-int8": Converter(
        "ai-edge-litert", ("ai_edge_litert",), write_int8_litert, _load_litert, True, _time(_load_litert)
    ),
    "c": Converter("ai-edge-litert", ("ai_edge_litert",), write_header, load_header, True),
    "html": Converter("node", (), lambda cnn, path, _: write_page(cnn, path), load_page, latency=page_latency),
}
