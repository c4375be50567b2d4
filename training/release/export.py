"""Export a network to other runtimes: ONNX for browsers and servers, LiteRT for phones."""

import logging
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from model import CnnConfig, CnnModel, __version__
from model.artifacts import EVALUATION_FILE, EXPORT_FORMATS, EXPORTS_FILE, WEIGHTS_FILE
from model.cnn import to_probabilities
from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.io.reports import dataset_name, read_report, write_report
from model.io.reports.exports import CheckedOn, ExportedFormat, ExportsReport
from model.io.weights import weights_hash
from training.data.decode import decoded_batches
from training.data.splits import open_test
from training.data.stream import HubStream
from training.evaluation.learned import inherit_options, read_training
from training.release.exported_files import read_exports

MAX_DIFFERENCE = 1e-5  # between a probability of Keras and of the exported network
MAX_CHECKED_ROWS = 1000  # of the test split
MAX_CHECKED_BYTES = 1 << 28  # of their images, which are held in memory
MAX_MAP_VALUES = 1 << 24  # in the largest layer's feature maps of one batch
NAMING_IMAGES = ("dataset", "revision", "config", "image_column", "label_column")  # fields of evaluation.json
SAMPLE = Path(__file__).parents[1] / "sample"
SAMPLE_SHAPE = (28, 28, 1)

Predict = Callable[[np.ndarray], np.ndarray]  # pixels float32 (n, h, w, c) -> the network's output, float32 (n, units)

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class Converter:
    """How Keras' `export` writes a format as one file, and the runtime that reads it."""

    package: str  # of the runtime
    modules: tuple[str, ...]  # needed besides TensorFlow, which converts to LiteRT itself
    load: Callable[[Path], Predict]
    prepare: Callable[[], None] = lambda: None  # called before each export


def _prepare_onnx() -> None:
    from training.release.tf2onnx_compat import register_erfc

    register_erfc()


def _load_onnx(path: Path) -> Predict:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {session.get_inputs()[0].name: pixels})[0]


def _load_litert(path: Path) -> Predict:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    input_index, output_index = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )

    def predict(pixels: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(input_index, pixels.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(input_index, pixels)
        interpreter.invoke()
        return interpreter.get_tensor(output_index)

    return predict


CONVERTERS = {  # by the names of `EXPORT_FORMATS`
    "onnx": Converter("onnxruntime", ("tf2onnx", "onnxruntime"), _load_onnx, _prepare_onnx),
    "litert": Converter("ai-edge-litert", ("ai_edge_litert",), _load_litert),
}


def export(run: Path, names: list[str], dataset: str | None = None) -> ExportsReport:
    """Write a model in other formats next to its weights, each checked against Keras on images of a test split.

    The input is raw pixels, float32 (n, h, w, c), 0 to 255, any n; the output is the network's, float32 (n, units).

    Args:
        run: a model's folder.
        names: keys of `EXPORT_FORMATS`.
        dataset: Hub id or folder whose test split is used for the check. None for the dataset in evaluation.json; if
            it cannot be read and the images have the shape of the bundled sample, the sample is used.

    Returns:
        exports.json: the hash of the weights, and for each format its file, size and largest difference.

    Raises:
        TrazoError: if the model or the images cannot be read, a package is missing, or a format predicts something
            else; such a format is not written.
    """
    if not run.is_dir():
        raise TrazoError(f"{str(run)!r} does not exist: exports are written next to the weights of a run")
    for name in names:
        if missing := [module for module in CONVERTERS[name].modules if find_spec(module) is None]:
            raise TrazoError(f"{name} needs {' and '.join(missing)}: `pip install -r requirements.txt`")
    known = read_exports(run)
    # Hashed before they are loaded: if a training replaces them meanwhile, exports.json must name the old ones.
    weights = weights_hash(run) if (run / WEIGHTS_FILE).is_file() else None
    cnn = CnnModel.from_pretrained(run)
    report = known or ExportsReport(weights_sha256=weights, formats={})
    report.trazo = __version__
    pixels, checked_on = _images_to_check(cnn, run, dataset)
    expected = cnn.predict(pixels)
    for name in names:
        file, package = EXPORT_FORMATS[name].file, CONVERTERS[name].package
        content, difference = convert_and_check(cnn, name, pixels, expected)
        (run / file).parent.mkdir(exist_ok=True)
        atomic_write(run / file, content)
        report.formats[name] = ExportedFormat(
            file=file,
            bytes=len(content),
            sha256=sha256(content).hexdigest(),
            largest_difference=difference,
            checked_on=CheckedOn(**checked_on),
            runtime=f"{package} {version(package)}",
        )
        write_report(run / EXPORTS_FILE, report)
    return report


def convert_and_check(cnn: CnnModel, name: str, pixels: np.ndarray, expected: np.ndarray) -> tuple[bytes, float]:
    """Return a network in another format, and the largest difference between its predictions and Keras'.

    Args:
        cnn: the model; it must have predicted once.
        name: a key of `EXPORT_FORMATS`.
        pixels: uint8 (n, h, w, c).
        expected: the model's predictions for them, float32 (n, labels).

    Raises:
        TrazoError: if a prediction differs by more than `MAX_DIFFERENCE`, or another class is the most probable.
    """
    converter = CONVERTERS[name]
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the converters, about NumPy
        path = Path(temporary) / Path(EXPORT_FORMATS[name].file).name
        converter.prepare()
        cnn.network.export(str(path), format=name, verbose=False)
        predict, content = converter.load(path), path.read_bytes()
        size = max(1, MAX_MAP_VALUES // cnn.config.largest_map)
        outputs = [predict(pixels[i : i + size].astype(np.float32)) for i in range(0, len(pixels), size)]
    found = to_probabilities(np.concatenate(outputs), cnn.config.task)
    # Of a regression's numbers, which may be tiny or huge; probabilities are at most 1.
    scale = max(cnn.config.target_offset_and_scale[1], float(np.abs(expected).max()))
    difference = float(np.abs(found - expected).max()) / scale
    changed = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
    if not difference <= MAX_DIFFERENCE or changed:  # written so that NaN is refused
        raise TrazoError(
            f"the network as {name} predicts something else: differences up to {difference:.1e}, "
            f"{changed} other predictions"
        )
    return content, difference


# --- Images to check with ---


def _images_to_check(cnn: CnnModel, run: Path, dataset: str | None) -> tuple[np.ndarray, dict[str, Any]]:
    """Return images of a test split, uint8 (n, h, w, c), and a description of them for exports.json."""
    shape = cnn.config.image_shape
    source = {"dataset": dataset} if dataset else read_report(run / EVALUATION_FILE) or {}
    name, revision, path = (source.get(key) for key in ("dataset", "revision", "path"))
    try:
        if name is None:
            raise TrazoError(f"{run} has no {EVALUATION_FILE} that names images to check with")
        given = {key: source[key] for key in NAMING_IMAGES if source.get(key)}
        data = replace(inherit_options(given, read_training(run)), task=cnn.config.task)
        stream, split = open_test(data, cnn.config.labels)
        pixels = _first_images(stream, cnn.config)
    except TrazoError as error:
        if dataset or shape != SAMPLE_SHAPE:
            raise TrazoError(f"no images to check with: {error}; give --dataset") from None
        logger.info("checked with the bundled sample: %s", error)
        name, revision, path, split = str(SAMPLE), None, None, "test"
        pixels = _first_images(HubStream(name, split), cnn.config)
    return pixels, {"dataset": dataset_name(name, revision, path), "split": split, "rows": len(pixels)}


def _first_images(stream: HubStream, config: CnnConfig) -> np.ndarray:
    limit = max(1, min(MAX_CHECKED_ROWS, MAX_CHECKED_BYTES // prod(config.image_shape)))
    batches: list[np.ndarray] = []
    for images, _, _ in decoded_batches(stream, stream.ordered(in_parts=True), config.image_shape, config.pixel_format):
        batches.append(images)
        if sum(map(len, batches)) >= limit:
            break
    if not sum(map(len, batches)):
        raise TrazoError(f"{stream.source.dataset} has no image that can be read")
    return np.concatenate(batches)[:limit]
