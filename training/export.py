"""A model -> the same network for other runtimes: ONNX for browsers and servers, LiteRT for phones."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from model import CnnModel, files
from model.errors import TrazoError
from model.weights import weights_hash
from training.config import DataConfig
from training.decoding import decoded_batches
from training.run import open_test

LARGEST_DIFFERENCE = 1e-5  # of a probability, between Keras and the exported network
ROWS = 1000  # of the test split, at most, that an exported network must answer as Keras does


@dataclass(frozen=True)
class Format:
    """One runtime's format."""

    path: str  # where the Hub's viewers and other tools look for it
    keras: str  # what Keras calls it
    package: str  # that runs it
    load: Callable[[Path], Callable[[np.ndarray], np.ndarray]]  # file -> function of float32 (n, h, w, c)


def _onnx(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {session.get_inputs()[0].name: pixels})[0]


def _litert(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    pixels_at, answers_at = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(pixels: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(pixels_at, pixels.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(pixels_at, pixels)
        interpreter.invoke()
        return interpreter.get_tensor(answers_at)

    return run


FORMATS = {
    "onnx": Format(files.EXPORTED[0], "onnx", "onnxruntime", _onnx),
    "litert": Format(files.EXPORTED[1], "litert", "ai-edge-litert", _litert),
}


def export(run: Path, names: list[str], dataset: str | None = None) -> dict[str, Any]:
    """Write a model in other formats beside its weights, each checked against Keras on pictures of a test split.

    The input is raw pixels, float32 (n, h, w, c), 0 … 255, n free; the output is the network's, float32 (n, units).

    Args:
        run: a model's folder.
        names: keys of `FORMATS`.
        dataset: Hub id or folder whose test split is answered; None for the one in evaluation.json.

    Returns:
        the value of exports.json: hash of the weights, and of each format its file, size and largest difference.

    Raises:
        TrazoError: in one line: no model, no pictures, or a format that answers otherwise; nothing is then kept of it.
    """
    cnn = CnnModel.from_pretrained(run)
    pixels, about = _pictures(cnn, run, dataset)
    wanted = cnn.network(pixels, training=False).numpy()
    report = files.read_json(run / files.EXPORTS) or {}
    if report.get("weights_sha256") != weights_hash(run):
        report = {"weights_sha256": weights_hash(run), "formats": {}}
    for name in names:
        one = FORMATS[name]
        with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of the converters, about NumPy
            path = Path(temporary) / Path(one.path).name
            cnn.network.export(str(path), format=one.keras, verbose=False)
            difference = _difference(name, one.load(path)(pixels), wanted)
            content = path.read_bytes()
        (run / one.path).parent.mkdir(exist_ok=True)
        files.write_whole(run / one.path, content)
        report["formats"][name] = {
            "file": one.path,
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
            "largest_difference": difference,
            "checked_on": about,
            "runtime": f"{one.package} {version(one.package)}",
        }
        files.write_json(run / files.EXPORTS, report)
    return report


def _pictures(cnn: CnnModel, run: Path, dataset: str | None) -> tuple[np.ndarray, dict[str, Any]]:
    """Return pictures of a test split, float32 (n, h, w, c), and which they are."""
    measured = files.read_json(run / files.EVALUATION) or {}
    name = dataset or measured.get("dataset")
    if name is None:
        raise TrazoError(f"{run} has no {files.EVALUATION} to name pictures to check with: give --dataset")
    data = DataConfig(name, problem=cnn.config.problem, revision=None if dataset else measured.get("revision"))
    try:
        stream, split = open_test(data, cnn.config.labels)
    except TrazoError as error:
        raise TrazoError(f"pictures to check with: {error}; --dataset names others") from None
    batches, rows = [], 0
    for images, _, _ in decoded_batches(stream, stream.ordered(), cnn.config.image_shape):
        batches.append(images)
        rows += len(images)
        if rows >= ROWS:
            break
    pixels = np.concatenate(batches)[:ROWS].astype(np.float32)
    return pixels, {"dataset": files.dataset_name(name, data.revision), "split": split, "rows": len(pixels)}


def _difference(name: str, found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference of two networks' answers, both (n, units).

    Raises:
        TrazoError: when it is above `LARGEST_DIFFERENCE`, or an answer is another.
    """
    scale = max(1.0, float(np.abs(wanted).max()))  # of a regression's numbers; probabilities are at most 1
    difference = float(np.abs(found - wanted).max()) / scale
    answers = (found.argmax(1) != wanted.argmax(1)).sum() if wanted.shape[1] > 1 else 0
    if not difference <= LARGEST_DIFFERENCE or answers:
        raise TrazoError(f"the network as {name} answers otherwise: by up to {difference:.1e}, {answers} other answers")
    return difference
