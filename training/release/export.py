"""A model -> the same network for other runtimes: ONNX for browsers and servers, LiteRT for phones."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from model import CnnModel
from model.artifacts import EVALUATION_FILE, EXPORTED_FILES, EXPORTS_FILE, WEIGHTS_FILE
from model.cnn import probabilities
from model.errors import TrazoError
from model.io.atomic import atomic_write, write_json
from model.io.reports import dataset_name, read_report
from model.io.weights import weights_hash
from training.commands import open_test
from training.config import DataConfig
from training.data.decode import decoded_batches
from training.data.stream import HubStream
from training.release.publish import exports_of

LARGEST_DIFFERENCE = 1e-5  # of a probability, between Keras and the exported network
ROWS = 1000  # of the test split, at most, that an exported network must answer as Keras does
MOST_BYTES = 1 << 28  # of pictures that are held for that
NUMBERS = 1 << 24  # in the largest layer's feature maps of the pictures that go through a network at once
SAMPLE = Path(__file__).parents[1] / "sample"
SAMPLE_SHAPE = (28, 28, 1)

Run = Callable[[np.ndarray], np.ndarray]  # pixels float32 (n, h, w, c) -> the network's output, float32 (n, units)


@dataclass(frozen=True)
class Format:
    """One runtime's format."""

    path: str  # beside the weights; see EXPORTED_FILES
    package: str  # that runs it
    modules: tuple[str, ...]  # that are needed beyond TensorFlow, which itself converts to LiteRT
    load: Callable[[Path], Run]


def _onnx(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {session.get_inputs()[0].name: pixels})[0]


def _litert(path: Path) -> Run:
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
    "onnx": Format(EXPORTED_FILES[0], "onnxruntime", ("tf2onnx", "onnxruntime"), _onnx),
    "litert": Format(EXPORTED_FILES[1], "ai-edge-litert", ("ai_edge_litert",), _litert),
}


def export(run: Path, names: list[str], dataset: str | None = None) -> dict[str, Any]:
    """Write a model in other formats beside its weights, each checked against Keras on pictures of a test split.

    The input is raw pixels, float32 (n, h, w, c), 0 … 255, n free; the output is the network's, float32 (n, units).

    Args:
        run: a model's folder.
        names: keys of `FORMATS`.
        dataset: Hub id or folder whose test split is answered; None for the one in evaluation.json or, where that is
            out of reach and the pictures are of its shape, the bundled sample.

    Returns:
        the value of exports.json: hash of the weights, and of each format its file, size and largest difference.

    Raises:
        TrazoError: in one line: no model, no pictures, a package that is missing, or a format that answers otherwise;
            nothing is then kept of it.
    """
    if not run.is_dir():
        raise TrazoError(f"there is no folder {str(run)!r}: what is exported is written beside the weights of a run")
    for name in names:
        if missing := [module for module in FORMATS[name].modules if find_spec(module) is None]:
            raise TrazoError(f"{name} needs {' and '.join(missing)}: `pip install -r requirements.txt`")
    known = exports_of(run)
    # Before they are loaded: should a training replace them meanwhile, the record is about the former ones.
    weights = weights_hash(run) if (run / WEIGHTS_FILE).is_file() else None
    cnn = CnnModel.from_pretrained(run)
    report = known or {"weights_sha256": weights, "formats": {}}
    pixels, about = _pictures(cnn, run, dataset)
    wanted = cnn.predict(pixels)
    for name in names:
        one = FORMATS[name]
        content, difference = checked(cnn, name, pixels, wanted)
        (run / one.path).parent.mkdir(exist_ok=True)
        atomic_write(run / one.path, content)
        report["formats"][name] = {
            "file": one.path,
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
            "largest_difference": difference,
            "checked_on": about,
            "runtime": f"{one.package} {version(one.package)}",
        }
        write_json(run / EXPORTS_FILE, report)
    return report


def checked(cnn: CnnModel, name: str, pixels: np.ndarray, wanted: np.ndarray) -> tuple[bytes, float]:
    """Return a network in another format, and by how much its answers differ at most.

    Args:
        cnn: the model, which has answered already.
        name: a key of `FORMATS`.
        pixels: uint8 (n, h, w, c).
        wanted: what the model says of them, float32 (n, labels).

    Raises:
        TrazoError: when an answer differs by more than `LARGEST_DIFFERENCE`, or is another.
    """
    one = FORMATS[name]
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the converters, about NumPy
        path = Path(temporary) / Path(one.path).name
        if name == "onnx":
            _teach_erfc()
        cnn.network.export(str(path), format=name, verbose=False)
        run, content = one.load(path), path.read_bytes()
        size = max(1, NUMBERS // cnn.config.largest_map)
        parts = [run(pixels[i : i + size].astype(np.float32)) for i in range(0, len(pixels), size)]
    found = probabilities(np.concatenate(parts), cnn.config.task)
    scale = max(1.0, float(np.abs(wanted).max()))  # of a regression's numbers; probabilities are at most 1
    difference = float(np.abs(found - wanted).max()) / scale
    others = int((found.argmax(axis=1) != wanted.argmax(axis=1)).sum())
    if not difference <= LARGEST_DIFFERENCE or others:  # NaN is no difference that is small
        raise TrazoError(f"the network as {name} answers otherwise: by up to {difference:.1e}, {others} other answers")
    return content, difference


def _teach_erfc() -> None:
    """Let tf2onnx convert Erfc, of which TensorFlow 2.21 makes GELU and which it does not know (its issue 2347)."""
    from tf2onnx.handler import tf_op

    if any("Erfc" in known for known in tf_op.get_opsets().get("", [])):
        return

    @tf_op("Erfc")
    class Erfc:
        @classmethod
        def version_9(cls, graph: Any, node: Any, **_: Any) -> None:
            shapes, dtypes = node.output_shapes, node.output_dtypes
            graph.remove_node(node.name)
            erf = graph.make_node("Erf", node.input, shapes=shapes, dtypes=dtypes).output[0]
            one = graph.make_const(f"{node.name}_one", np.float32(1)).output[0]
            graph.make_node("Sub", [one, erf], outputs=node.output, name=node.name, shapes=shapes, dtypes=dtypes)


# --- Pictures to check with ---


def _pictures(cnn: CnnModel, run: Path, dataset: str | None) -> tuple[np.ndarray, dict[str, Any]]:
    """Return pictures of a test split, uint8 (n, h, w, c), and which they are."""
    shape = cnn.config.image_shape
    measured = {"dataset": dataset} if dataset else read_report(run / EVALUATION_FILE) or {}
    name, revision = measured.get("dataset"), measured.get("revision")
    try:
        if name is None:
            raise TrazoError(f"{run} has no {EVALUATION_FILE} to name pictures to check with")
        chosen: dict[str, Any] = {
            key: measured.get(key) for key in ("revision", "config", "image_column", "label_column")
        }
        data = DataConfig(name, task=cnn.config.task, **chosen)
        stream, split = open_test(data, cnn.config.labels)
        pixels = _first(stream, shape)
    except TrazoError as error:
        if dataset or shape != SAMPLE_SHAPE:
            raise TrazoError(f"no pictures to check with: {error}; give --dataset") from None
        print(f"checked with the bundled sample: {error}", flush=True)
        name, revision, split = str(SAMPLE), None, "test"
        pixels = _first(HubStream(name, split), shape)
    return pixels, {"dataset": dataset_name(name, revision), "split": split, "rows": len(pixels)}


def _first(stream: HubStream, shape: tuple[int, int, int]) -> np.ndarray:
    most = max(1, min(ROWS, MOST_BYTES // prod(shape)))
    batches: list[np.ndarray] = []
    for images, _, _ in decoded_batches(stream, stream.ordered(), shape):
        batches.append(images)
        if sum(map(len, batches)) >= most:
            break
    if not sum(map(len, batches)):
        raise TrazoError(f"{stream.source.dataset} has no picture that can be read")
    return np.concatenate(batches)[:most]
