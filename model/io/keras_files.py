"""A network as Keras itself saves it: the files that `keras.saving.load_model("hf://owner/name")` reads."""

import json
import tempfile
from pathlib import Path
from typing import Any

from model.backend import keras, keras_defaults

from model.artifacts import KERAS_FILES
from model.config import CnnConfig
from model.io.atomic import atomic_write
from model.network import build_network

SHARED_ID = "shared_object_id"  # in Keras' config: of an object that several layers have, by its address in memory


@keras_defaults()
def write_keras_files(config: CnnConfig, network: keras.Model, folder: Path) -> None:
    """Write a network as Keras itself saves it; the same network gives the same bytes.

    It has only Keras' own layers, so these files load wherever Keras is, on any of its backends. Trazo reads none.

    Args:
        config: of the network.
        network: whose weights are written; layers and types of computation follow from the config.
        folder: where to write.

    Raises:
        OSError: if the folder cannot be written.
    """
    saved = build_network(config)
    values = {weight.path: weight for weight in network.weights}
    for weight in saved.weights:
        weight.assign(values[weight.path])
    with tempfile.TemporaryDirectory() as temporary:
        keras.saving.save_model(saved, temporary, zipped=False)
        contents = {name: Path(temporary, name).read_bytes() for name in KERAS_FILES}
    for name, content in contents.items():
        atomic_write(folder / name, _reproducible(content) if name.endswith(".json") else content)


def _reproducible(content: bytes) -> str:
    """Return JSON of Keras without what differs from one saving to the next."""
    numbers: dict[int, int] = {}

    def replace(values: dict[str, Any]) -> dict[str, Any]:
        if SHARED_ID in values:
            values[SHARED_ID] = numbers.setdefault(values[SHARED_ID], len(numbers) + 1)
        values.pop("date_saved", None)
        return values

    return json.dumps(json.loads(content, object_hook=replace))
