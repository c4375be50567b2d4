"""Exports in int8: what they cost, what files say about themselves, and networks that cannot be written."""

import json
import zipfile

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from model import CnnConfig, CnnModel, TrazoError
from model.scaling import Scaling
from model.target_scaling import TargetScaling
from tests.conftest import SAMPLE
from tests.support.exports import some_rows
from training.cli import main
from training.release import export as module
from training.release.converters import CONVERTERS
from training.release.export import convert_and_check, export
from training.release.file_metadata import describe_model
from training.stream import HubStream

FURTHER = {"filters": (4, 8), "dense_units": (), "scaling": Scaling("z-score", (33.0,), (78.0,))}
NETWORKS = {
    "residual, color": {"blocks": "residual", "convolutions": 3, "stem_filters": 5, "image_shape": (32, 32, 3)},
    "binary, odd sides": {"task": "binary", "labels": ("no", "yes"), "image_shape": (33, 20, 3), "activation": "tanh"},
    "number": {"task": "regression", "labels": ("age",), "target_scaling": TargetScaling(30.0, 20.0)},
    "three labels, dense": {"labels": ("a", "b", "c"), "dense_units": (16,), "pooling": "stride"},
}


def make_model(**options) -> CnnModel:
    keras.utils.set_random_seed(1)  # answers of random weights may be near a tie, which any rounding decides
    cnn = CnnModel(CnnConfig(**{**FURTHER, **options}))
    rng = np.random.default_rng(0)
    for weight in cnn.network.weights:  # as after a training: a fresh batch normalization does nothing
        if "_norm/" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return cnn


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The exports in int8 of a network of the architecture of the preset `small`, with random weights."""
    folder = tmp_path_factory.mktemp("int8") / "run"
    make_model(filters=(8, 12, 15), convolutions=2, title="Dígitos").save_pretrained(folder)
    export(folder, ["onnx-int8", "litert-int8", "c"], SAMPLE)
    return folder


def test_exports_json_says_what_int8_costs(run):
    report = json.loads((run / "exports.json").read_text())
    stream = HubStream(SAMPLE, "test", batch_size=1000)
    labels = next(stream.ordered()).labels
    cnn = CnnModel.from_pretrained(run)
    accuracy = (cnn.predict(next(stream.ordered()).images).argmax(axis=1) == labels).mean()
    for name in ("onnx-int8", "litert-int8", "c"):
        found = report["formats"][name]
        cost = found["quantization"]
        assert cost["measure"] == "accuracy" and cost["keras"] == pytest.approx(accuracy)
        assert abs(cost["exported"] - accuracy) <= cost["changed"] / len(labels) + 1e-9 and cost["changed"] < 300
        assert cost["calibrated_on"] == {"dataset": "sample", "split": "train", "rows": 500}
        assert 0 < found["largest_difference"] < 0.1 and found["checked_on"]["rows"] == 1000
        assert (found["latency"] is None) == (name == "c")


def test_int8_file_is_a_fraction_of_float32_and_takes_any_number_of_images(run):
    cnn = CnnModel.from_pretrained(run)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1)).astype(np.float32)
    for name, file in (("onnx-int8", "onnx/model_quantized.onnx"), ("litert-int8", "model_int8.tflite")):
        predict = CONVERTERS[name].load(run / file)
        assert predict(pixels).shape == (5, 10) and predict(pixels[:1]).shape == (1, 10)
        assert np.abs(predict(pixels) - cnn.network(pixels, training=False).numpy()).max() < 0.1


def test_onnx_file_says_what_it_is(run):
    facts = {one.key: one.value for one in onnx.load(run / "onnx/model_quantized.onnx").metadata_props}
    config = CnnModel.from_pretrained(run).config
    assert json.loads(facts["labels"]) == list(config.labels) and facts["title"] == "Dígitos"
    assert json.loads(facts["preprocessing"])["color"] == "gray" and json.loads(facts["image_shape"]) == [28, 28, 1]
    assert json.loads(facts["scaling_in_network"])["offset"] == [33.0]


def test_litert_file_says_what_it_is(run):
    path = run / "model_int8.tflite"
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt") == (run / "labels.txt").read_bytes() == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
        about = json.loads(archive.read("about.json"))
    assert about == json.loads(json.dumps(describe_model(CnnModel.from_pretrained(run).config)))
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    [table] = [model.buffers[one.buffer].data for one in model.metadata if one.name == b"TFLITE_METADATA"]
    assert bytes(table[4:8]) == b"M001" and b"labels.txt" in bytes(table)


def test_litert_weights_are_aligned_as_runtimes_read_them(run):
    model = schema.Model.GetRootAs((run / "model_int8.tflite").read_bytes(), 0)
    buffers = [model.Buffers(number) for number in range(model.BuffersLength())]
    starts = [one._tab.Vector(one._tab.Offset(4)) for one in buffers if one.DataLength()]
    assert starts and not any(start % 16 for start in starts)


def test_c_header_array_is_a_litert_file_in_int8_alone(run):
    from training.release.c_header import read_array

    header = (run / "model.h").read_text()
    interpreter = Interpreter(model_content=read_array(header))
    details = *interpreter.get_input_details(), *interpreter.get_output_details()
    assert [one["dtype"] for one in details] == [np.int8, np.int8]
    assert details[0]["quantization"] == (1.0, -128)  # a pixel is its own number
    assert "Operators, for a MicroMutableOpResolver<" in header and "CONV_2D" in header
    assert int(header.split("// Weights: ")[1].split(" bytes")[0]) <= 16_000


@pytest.mark.parametrize("network", NETWORKS)
def test_int8_of_other_tasks_shapes_and_blocks(network):
    cnn = make_model(**NETWORKS[network])
    pixels = np.random.default_rng(0).integers(0, 256, (30, *cnn.config.image_shape), np.uint8)
    expected = cnn.predict(pixels)
    rows = some_rows(pixels, expected[:, 0] if network == "number" else expected.argmax(axis=1))
    for name in ("onnx-int8", "litert-int8", "c"):
        content, entry = convert_and_check(cnn, name, rows, expected, rows)
        assert content and entry.quantization.keras == (0 if network == "number" else 1)
        assert entry.largest_difference < 0.1


def test_int8_that_loses_too_much_is_refused(monkeypatch):
    cnn = make_model()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), np.uint8)
    expected = cnn.predict(pixels)
    rows = some_rows(pixels, expected.argmax(axis=1))
    wrong = lambda predict, config, pixels: np.roll(expected, 1, axis=1)  # noqa: E731
    monkeypatch.setattr(module, "_predict", wrong)
    with pytest.raises(
        TrazoError, match="as c loses too much: its accuracy is 0 instead of 1; use a format in float32"
    ):
        convert_and_check(cnn, "c", rows, expected, rows)
    monkeypatch.setattr(module, "_predict", lambda *_: np.full_like(expected, np.nan))
    with pytest.raises(TrazoError, match="as c predicts something else: differences up to nan"):
        convert_and_check(cnn, "c", rows, expected, rows)


def test_network_that_a_converter_cannot_write_is_a_line(run, monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise RuntimeError("op GELU is not supported\nmany lines of C++")

    monkeypatch.setattr("training.release.c_header.convert_to_int8_only", fail)
    assert main(["export", str(run), "--to", "c", "--dataset", SAMPLE]) == 2
    error = capsys.readouterr().err
    assert error.strip().endswith("this network cannot be written as c: op GELU is not supported")
