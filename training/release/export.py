"""Export a network to other runtimes: phones, browsers, servers and microcontrollers."""

import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from model import CnnModel, __version__
from model.artifacts import EXPORT_FORMATS, EXPORTS_FILE, LABELS_FILE, WEIGHTS_FILE
from model.cnn import to_probabilities
from model.config import CnnConfig
from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.io.exported_files import read_exports
from model.io.reports import write_report
from model.io.reports.exports import ExportedFormat, ExportsReport, Latency, Quantization
from model.io.weights import weights_hash
from training.processor import processor
from training.release.converters import CONVERTERS, MAX_TIMED_IMAGES, Predict
from training.release.export_rows import MAX_CHECKED_ROWS, MAX_MEASURED_ROWS, Rows, rows_to_calibrate, rows_to_check
from training.release.file_metadata import add_litert_metadata, add_onnx_metadata, labels_text

MAX_DIFFERENCE = 1e-5  # between a probability of Keras and of a network exported in float32
MAX_LOSS = 0.02  # of a quantized network's accuracy; of a regression, of the mean error in units of the scale
MIN_LOST_ROWS = 3  # fewer may be chance, also if they are more than that share of the rows
MAX_REASON_CHARS = 300  # of what a converter's error says
MAX_MAP_VALUES = 1 << 24  # in the largest layer's feature maps of one batch
ADD_METADATA: dict[str, Callable[[Path, CnnConfig], None]] = {  # by the ending of the file
    ".onnx": add_onnx_metadata,
    ".tflite": add_litert_metadata,
}


def export(run: Path, names: list[str], dataset: str | None = None) -> ExportsReport:
    """Write a model in other formats next to its weights, each checked against Keras on rows of a test split.

    The input is raw pixels, 0 to 255, (n, h, w, c), any n; the output is the network's, (n, units). Both are float32,
    except in a C header: one image, int8. Formats that compute in int8 are calibrated on rows of the training split.

    Args:
        run: a model's folder.
        names: keys of `EXPORT_FORMATS`.
        dataset: Hub id or folder whose splits are used to check and to calibrate; see `export_rows`.

    Returns:
        exports.json: the hash of the weights, and for each format its file, size, largest difference, what
        quantization costs, and the time of an answer.

    Raises:
        TrazoError: if the model or the images cannot be read, a package is missing, the network cannot be written in a
            format, or predicts something else there; such a format is not written.
    """
    if not run.is_dir():
        raise TrazoError(f"{str(run)!r} does not exist: exports are written next to the weights of a run")
    for name in names:
        CONVERTERS[name].check_installed(name)
    known = read_exports(run)
    # Hashed before they are loaded: if a training replaces them meanwhile, exports.json must name the old ones.
    weights = weights_hash(run) if (run / WEIGHTS_FILE).is_file() else None
    cnn = CnnModel.from_pretrained(run)
    report = known or ExportsReport(weights_sha256=weights, formats={})
    report.trazo = __version__
    quantizes = any(CONVERTERS[name].is_quantized for name in names)
    rows = rows_to_check(cnn.config, run, dataset, MAX_MEASURED_ROWS if quantizes else MAX_CHECKED_ROWS)
    calibration = rows_to_calibrate(cnn.config, run, dataset) if quantizes else None
    expected = cnn.predict(rows.pixels)
    for name in names:
        content, entry = convert_and_check(cnn, name, rows, expected, calibration)
        path = run / EXPORT_FORMATS[name].file
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, content)
        atomic_write(run / LABELS_FILE, labels_text(cnn.config))
        report.formats[name] = entry
        write_report(run / EXPORTS_FILE, report)
    return report


def convert_and_check(
    cnn: CnnModel, name: str, rows: Rows, expected: np.ndarray, calibration: Rows | None = None
) -> tuple[bytes, ExportedFormat]:
    """Return a network in another format, and what was found when its runtime read it.

    Args:
        cnn: the model; it must have predicted once.
        name: a key of `EXPORT_FORMATS`.
        rows: to check on.
        expected: the model's predictions for them, float32 (n, labels).
        calibration: rows to calibrate on; only formats that compute in int8 need them.

    Raises:
        TrazoError: if the converter cannot write the network; if in a format in float32 a prediction differs by more
            than `MAX_DIFFERENCE`, or another class is the most probable; if int8 loses more than `MAX_LOSS`.
    """
    converter, file = CONVERTERS[name], EXPORT_FORMATS[name].file
    if not converter.is_quantized:
        rows, expected = rows.first(MAX_CHECKED_ROWS), expected[:MAX_CHECKED_ROWS]
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / Path(file).name
        _write(cnn, name, path, calibration)
        found = _predict(converter.load(path), cnn.config, rows.pixels)
        difference, quantization = _compare(cnn.config, name, rows, expected, found, calibration)
        latency = None
        if converter.latency:
            milliseconds = converter.latency(path, rows.pixels[:MAX_TIMED_IMAGES].astype(np.float32))
            latency = Latency(milliseconds=milliseconds, machine=processor())
        content = path.read_bytes()
    return content, ExportedFormat(
        file=file,
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
        largest_difference=difference,
        checked_on=rows.source,
        runtime=converter.describe_runtime(),
        quantization=quantization,
        latency=latency,
    )


def _write(cnn: CnnModel, name: str, path: Path, calibration: Rows | None) -> None:
    """Write the file with what it says about itself.

    Raises:
        TrazoError: if the converter cannot write this network.
    """
    try:
        CONVERTERS[name].write(cnn, path, calibration.pixels if calibration else None)
    except (OSError, MemoryError, TrazoError):
        raise
    except Exception as error:  # of several libraries, in C++ and in Python
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:MAX_REASON_CHARS]
        raise TrazoError(f"this network cannot be written as {name}: {reason}") from None
    if add_metadata := ADD_METADATA.get(path.suffix):
        add_metadata(path, cnn.config)


def _predict(predict: Predict, config: CnnConfig, pixels: np.ndarray) -> np.ndarray:
    """Return the predictions of a runtime, float32 (n, labels)."""
    size = max(1, MAX_MAP_VALUES // config.largest_map)
    outputs = [predict(pixels[start : start + size].astype(np.float32)) for start in range(0, len(pixels), size)]
    return to_probabilities(np.concatenate(outputs), config.task)


def _measure(config: CnnConfig, labels: np.ndarray, predictions: np.ndarray) -> float:
    """Return the accuracy, or the mean absolute error of a regression."""
    if config.task == "regression":
        return float(np.abs(predictions[:, 0] - labels).mean())
    return float((predictions.argmax(axis=1) == labels).mean())


def _compare(
    config: CnnConfig, name: str, rows: Rows, expected: np.ndarray, found: np.ndarray, calibration: Rows | None
) -> tuple[float, Quantization | None]:
    """Return the largest difference from Keras' predictions, and what quantization costs.

    Raises:
        TrazoError: as `convert_and_check`.
    """
    # Of a regression's numbers, which may be tiny or huge; probabilities are at most 1.
    scale = max(config.target_offset_and_scale[1], float(np.abs(expected).max()))
    difference = float(np.abs(found - expected).max()) / scale
    changed = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
    if calibration and CONVERTERS[name].is_quantized and np.isfinite(difference):
        quantization = Quantization(
            measure="mean_absolute_error" if config.task == "regression" else "accuracy",
            keras=_measure(config, rows.labels, expected),
            exported=_measure(config, rows.labels, found),
            changed=changed,
            calibrated_on=calibration.source,
        )
        _check_loss(name, quantization, len(rows.labels), scale)
        return difference, quantization
    if not difference <= MAX_DIFFERENCE or changed:  # written so that NaN is refused
        raise TrazoError(
            f"the network as {name} predicts something else: differences up to {difference:.1e}, "
            f"{changed} other predictions"
        )
    return difference, None


def _check_loss(name: str, found: Quantization, rows: int, scale: float) -> None:
    """Refuse a network that loses more than `MAX_LOSS`, measured on so many rows, by quantization.

    Raises:
        TrazoError: with what it loses.
    """
    if found.measure == "accuracy":
        is_too_much = found.keras - found.exported > max(MAX_LOSS, MIN_LOST_ROWS / rows)
    else:
        is_too_much = found.exported - found.keras > MAX_LOSS * scale
    if is_too_much:
        raise TrazoError(
            f"the network as {name} loses too much: its {found.measure.replace('_', ' ')} is {found.exported:.4g} "
            f"instead of {found.keras:.4g}; use a format in float32"
        )
