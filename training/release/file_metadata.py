"""What an exported file says about itself: labels, task and preprocessing, where its format has a place for them.

ONNX holds texts by name (`metadata_props`). LiteRT holds a table by the schema `metadata_schema.fbs` of TensorFlow Lite
Support, which Android Studio and the task libraries read, and files in a ZIP archive after the network: `unzip -p
model.tflite labels.txt` shows the labels. The table is built here, since the package with its classes, tflite-support,
has had no release since 2023 and does not install on today's Python.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np

from model import __version__
from model.artifacts import LABELS_FILE
from model.config import CnnConfig

FACTS_FILE = "about.json"
TABLE_NAME = "TFLITE_METADATA"
TABLE_IDENTIFIER = b"M001"
ALIGNMENT_BYTES = 16  # of weights, which runtimes read in place
# Numbers of that schema.
AXIS_LABELS, IMAGE_PROPERTIES, NORMALIZATION, RGB, GRAYSCALE = 2, 2, 1, 1, 2


def describe_model(config: CnnConfig) -> dict[str, Any]:
    """Return the facts about a model that its files hold, ready for JSON."""
    height, width, channels = config.image_shape
    return {
        "trazo": __version__,
        "title": config.title,
        "task": config.task,
        "labels": config.labels,
        "image_shape": config.image_shape,
        "preprocessing": {
            "pixels": "0 to 255, as in the image; the network scales them itself",
            "color": "gray" if channels == 1 else "RGB",
            "resize": f"fitted into {width} x {height} pixels, aspect kept, the rest black; area averages to shrink",
            "white_of_16_bits": config.pixel_format.white_level,
            "transparency_on": config.pixel_format.background,
        },
        "scaling_in_network": {
            "method": config.scaling.method,
            "offset": config.scaling.offset,
            "scale": config.scaling.scale,
        },
        "output": {
            "multiclass": "a probability per label, in the order of the labels",
            "binary": "the probability of the second label",
            "regression": "the number",
        }[config.task],
    }


def labels_text(config: CnnConfig) -> str:
    """Return the content of labels.txt: a label per line, in the order of the outputs."""
    return "".join(f"{label}\n" for label in config.labels)


def add_onnx_metadata(path: Path, config: CnnConfig) -> None:
    """Write the facts into an ONNX file: texts are as they are, everything else is JSON."""
    import onnx

    model = onnx.load(path)
    facts = describe_model(config)
    texts = {key: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for key, one in facts.items()}
    onnx.helper.set_model_props(model, texts)
    onnx.save(model, path)


def add_litert_metadata(path: Path, config: CnnConfig) -> None:
    """Write the facts into a LiteRT file: the table inside the network, and after it an archive of two files."""
    path.write_bytes(_add_table(path.read_bytes(), _metadata_table(config)))
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in (
            (LABELS_FILE, labels_text(config)),
            (FACTS_FILE, json.dumps(describe_model(config), indent=2, ensure_ascii=False) + "\n"),
        ):
            entry = zipfile.ZipInfo(name)  # with a fixed date: the same network gives the same bytes
            archive.writestr(entry, text)


def _add_table(content: bytes, table: bytes) -> bytes:
    """Return a LiteRT file with a metadata table."""
    from ai_edge_litert import schema_py_generated as schema

    class AlignedBuffer(schema.BufferT):
        """A buffer that is written where runtimes may read it: the classes of the schema forget its alignment."""

        def Pack(self, builder: flatbuffers.Builder) -> int:
            data = None if self.data is None else _write_aligned(builder, bytes(self.data))
            schema.BufferStart(builder)
            if data is not None:
                schema.BufferAddData(builder, data)
            return schema.BufferEnd(builder)

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.buffers = [AlignedBuffer(data) for data in (*(buffer.data for buffer in model.buffers), table)]
    model.metadata = [*(model.metadata or []), schema.MetadataT(TABLE_NAME, len(model.buffers) - 1)]
    builder = flatbuffers.Builder(len(content) + len(table) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _write_aligned(builder: flatbuffers.Builder, data: bytes) -> int:
    builder.StartVector(1, len(data), ALIGNMENT_BYTES)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return builder.EndVector()


# --- The table ---


def _metadata_table(config: CnnConfig) -> bytes:
    """Return the table ModelMetadata: what goes in and comes out, and the file with the labels."""
    builder = flatbuffers.Builder(1024)
    text, table, tables = builder.CreateString, _Tables(builder).table, _Tables(builder).vector
    _, _, channels = config.image_shape
    properties = table({0: ("byte", RGB if channels == 3 else GRAYSCALE)})
    content = table({0: ("byte", IMAGE_PROPERTIES), 1: properties})
    as_they_are = table({0: _floats(builder, [0.0]), 1: _floats(builder, [1.0])})
    step = table({0: ("byte", NORMALIZATION), 1: as_they_are})
    limits = table({0: _floats(builder, [255.0]), 1: _floats(builder, [0.0])})
    pixels = table({0: text("pixels"), 1: text("image, 0 to 255"), 3: content, 4: tables([step]), 5: limits})
    named = {0: text("answers"), 1: text(describe_model(config)["output"])}
    labels = table({0: text(LABELS_FILE), 1: text("a label per line"), 2: ("byte", AXIS_LABELS)})
    if config.task == "multiclass":  # otherwise there is not one output per label
        named[6] = tables([labels])
    answers = table(named)
    graph = table({2: tables([pixels]), 3: tables([answers])})
    files = tables([labels]) if config.task != "multiclass" else None
    model = {0: text(config.title or "Trazo"), 2: text(f"Trazo {__version__}"), 3: tables([graph]), 7: text("1.0.0")}
    builder.Finish(table(model | ({6: files} if files else {})), TABLE_IDENTIFIER)
    return bytes(builder.Output())


def _floats(builder: flatbuffers.Builder, values: list[float]) -> int:
    return builder.CreateNumpyVector(np.array(values, np.float32))


class _Tables:
    """Writes tables of a flatbuffer by the numbers of their fields."""

    def __init__(self, builder: flatbuffers.Builder) -> None:
        self._builder = builder

    def table(self, values: dict[int, Any]) -> int:
        """Write a table: number of the field -> the place of what was written before, or ("byte", a number)."""
        self._builder.StartObject(max(values) + 1)
        for field, value in values.items():
            if isinstance(value, tuple):
                self._builder.PrependUint8Slot(field, value[1], 0)
            else:
                self._builder.PrependUOffsetTRelativeSlot(field, value, 0)
        return self._builder.EndObject()

    def vector(self, places: list[int]) -> int:
        """Write a list of tables."""
        self._builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            self._builder.PrependUOffsetTRelative(place)
        return self._builder.EndVector()
