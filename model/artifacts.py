"""The files of a model folder: names, size limits, and checks before anything is read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.errors import ModelError

CONFIG_FILE = "trazo.json"
WEIGHTS_FILE = "model.safetensors"
# The same network as Keras itself saves it, for `keras.saving.load_model`: written here, never read.
KERAS_CONFIG_FILE = "config.json"
KERAS_FILES = (KERAS_CONFIG_FILE, "metadata.json", "model.weights.h5")
BACKBONE_CONFIG_FILE = "config.json"  # of a backbone, in timm's layout
CARD_FILE = "README.md"
CHECKPOINT_FILE = "checkpoint.safetensors"  # of a training that may be resumed
TRAINING_FILE = "training.json"
TRIALS_FILE = "trials.json"
EVALUATION_FILE = "evaluation.json"
DATA_FILE = "data.json"
STUDY_FILE = "study.json"
REPORT_FILES = (DATA_FILE, TRAINING_FILE, TRIALS_FILE, EVALUATION_FILE, STUDY_FILE)
CARD_FIGURES = ("confusion.png", "calibration.png")  # of the card
NOTEBOOK_FILE = "notebook.ipynb"  # of a published model; written here, never read
EXPORTS_FILE = "exports.json"  # lists the other formats of the weights in the folder


@dataclass(frozen=True)
class ExportFormat:
    """A format that a network can be exported to; `training.release.export` has what writes and runs it."""

    file: str  # in the model folder
    hub_tag: str | None  # what the Hub calls it


# transformers.js looks for these ONNX files; the Hub knows any .tflite. card.md shows how to use each format.
EXPORT_FORMATS = {
    "onnx": ExportFormat("onnx/model.onnx", "onnx"),
    "onnx-int8": ExportFormat("onnx/model_quantized.onnx", "onnx"),
    "litert": ExportFormat("model.tflite", "tflite"),
    "litert-int8": ExportFormat("model_int8.tflite", "tflite"),
    "c": ExportFormat("model.h", None),
    "html": ExportFormat("web/index.html", None),
}
LABELS_FILE = "labels.txt"  # is written with any of them
EXPORT_FILES = (*(one.file for one in EXPORT_FORMATS.values()), LABELS_FILE)
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # owner/name
HUB_IDS = re.compile(rf"\*|\w[\w.-]*/\*|{HUB_ID.pattern}")  # all, those of an owner, or one
# Larger files are refused: no model of this package has them.
MAX_FILE_BYTES = {
    **dict.fromkeys((CONFIG_FILE, BACKBONE_CONFIG_FILE), 1 << 20),
    WEIGHTS_FILE: 1 << 30,
    CARD_FILE: 1 << 20,
    **dict.fromkeys(REPORT_FILES, 1 << 24),
    **dict.fromkeys(CARD_FIGURES, 1 << 24),
    EXPORTS_FILE: 1 << 20,
    **dict.fromkeys(EXPORT_FILES, 1 << 31),
}
OTHER_FILES = tuple(name for name in MAX_FILE_BYTES if name not in (CONFIG_FILE, BACKBONE_CONFIG_FILE))
UNSAFE_SUFFIXES = (".bin", ".ckpt", ".h5", ".hdf5", ".keras", ".pickle", ".pkl", ".pt", ".pth")


def check_complete(where: str, sizes: Mapping[str, int], names: Iterable[str], config_file: str = CONFIG_FILE) -> None:
    """Refuse a folder or repo without config or weights, or with a file too large, by name.

    Args:
        where: the folder or repo, for messages.
        sizes: bytes of its known files; 0 if they are unknown.
        names: of all its files; read only when something is missing.
        config_file: which file says what the weights are.

    Raises:
        ModelError: with what is missing, and what to do about it.
    """
    for name in (config_file, WEIGHTS_FILE):
        if name not in sizes:
            raise ModelError(f"{where} has no {name}: {_advise(set(names), config_file)}")
    for name, size in sizes.items():
        if size > MAX_FILE_BYTES[name]:
            raise ModelError(f"{where}/{name} has {size:,} bytes; at most {MAX_FILE_BYTES[name]:,} are read")


def _advise(names: set[str], config_file: str) -> str:
    """Return what to do about a folder or repo that lacks config or weights, from the names of its files."""
    is_older = {KERAS_CONFIG_FILE, WEIGHTS_FILE} <= names and CONFIG_FILE not in names
    if config_file == CONFIG_FILE and is_older:
        return (
            f"in a model of an earlier Trazo, rename {KERAS_CONFIG_FILE} to {CONFIG_FILE} "
            "(on the Hub, by publishing it again)"
        )
    if CHECKPOINT_FILE in names:
        return "its training has not ended; run its command again to resume"
    unsafe = sorted(name for name in names if name.lower().endswith(UNSAFE_SUFFIXES))
    hint = f"; {', '.join(unsafe)} may run code when loaded and is never used" if unsafe else ""
    return f"only {config_file} with safetensors is loaded{hint}"
