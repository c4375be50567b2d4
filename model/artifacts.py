"""The files of a model folder: names, size limits, and checks before anything is read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.errors import ModelError

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "README.md"
CHECKPOINT_FILE = "checkpoint.safetensors"  # of a training that may be resumed
TRAINING_FILE = "training.json"
TRIALS_FILE = "trials.json"
EVALUATION_FILE = "evaluation.json"
DATA_FILE = "data.json"
STUDY_FILE = "study.json"
REPORT_FILES = (DATA_FILE, TRAINING_FILE, TRIALS_FILE, EVALUATION_FILE, STUDY_FILE)
CARD_FIGURES = ("confusion.png", "calibration.png")  # of the card
EXPORTS_FILE = "exports.json"  # lists the other formats of the weights in the folder


@dataclass(frozen=True)
class ExportFormat:
    """A format that a network can be exported to; `training.release.export` has what writes and runs it."""

    file: str  # in the model folder
    hub_tag: str  # what the Hub calls it


# transformers.js looks for this ONNX file; the Hub knows any .tflite. card.md shows how to use each format.
EXPORT_FORMATS = {
    "onnx": ExportFormat("onnx/model.onnx", "onnx"),
    "litert": ExportFormat("model.tflite", "tflite"),
}
EXPORT_FILES = tuple(one.file for one in EXPORT_FORMATS.values())
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # owner/name
# Larger files are refused: no model of this package has them.
MAX_FILE_BYTES = {
    CONFIG_FILE: 1 << 20,
    WEIGHTS_FILE: 1 << 30,
    CARD_FILE: 1 << 20,
    **dict.fromkeys(REPORT_FILES, 1 << 24),
    **dict.fromkeys(CARD_FIGURES, 1 << 24),
    EXPORTS_FILE: 1 << 20,
    **dict.fromkeys(EXPORT_FILES, 1 << 31),
}
UNSAFE_SUFFIXES = (".bin", ".ckpt", ".h5", ".hdf5", ".keras", ".pickle", ".pkl", ".pt", ".pth")


def check_complete(where: str, sizes: Mapping[str, int], names: Iterable[str]) -> None:
    """Refuse a folder or repo without config or weights, or with a file too large, by name.

    Args:
        where: the folder or repo, for messages.
        sizes: bytes of its known files.
        names: of all its files; read only when something is missing.

    Raises:
        ModelError: with what is missing, and the files there that are never loaded because they may run code.
    """
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if name not in sizes:
            names = list(names)
            if CHECKPOINT_FILE in names:
                raise ModelError(f"{where} has no {name}: its training has not ended; run its command again to resume")
            unsafe = sorted(name for name in names if name.lower().endswith(UNSAFE_SUFFIXES))
            hint = f"; {', '.join(unsafe)} may run code when loaded and is never used" if unsafe else ""
            raise ModelError(f"{where} has no {name}: only config.json with safetensors is loaded{hint}")
    for name, size in sizes.items():
        if size > MAX_FILE_BYTES[name]:
            raise ModelError(f"{where}/{name} has {size:,} bytes; at most {MAX_FILE_BYTES[name]:,} are read")
