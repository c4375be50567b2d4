"""Export: predictions in each runtime, what is checked, and what is published."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from model import CnnConfig, CnnModel, TrazoError
from model.artifacts import EXPORT_FORMATS
from model.io.exported_files import exported_files
from model.io.locate import PRETRAINED
from model.io.reports import write_report
from model.preprocess.decode import decode
from model.scaling import Scaling
from model.target_scaling import TargetScaling
from tests.conftest import SAMPLE
from tests.support.datasets import random_images, write_dataset
from tests.support.exports import converted, some_rows
from tests.support.fake_hub import LoopbackHub
from training.cli import main
from training.evaluation.metrics import evaluate
from training.release import export as module
from training.release import export_rows
from training.release.card import write_card
from training.release.converters import CONVERTERS
from training.release.export import convert_and_check, export
from training.stream import HubStream

EXACT = ("onnx", "litert")
BINARY = {"task": "binary", "labels": ("no", "yes")}
NUMBER = {"task": "regression", "labels": ("age",)}


@pytest.fixture
def fresh(tmp_path):
    """A run without exports."""
    return shutil.copytree(PRETRAINED, tmp_path / "run")


@pytest.fixture
def small(tmp_path):
    """A model that is converted in no time."""
    CnnModel(CnnConfig(filters=(4,), convolutions=1, dense_units=())).save_pretrained(tmp_path / "small")
    return tmp_path / "small"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(PRETRAINED, folder)
    export(folder, ["onnx", "litert"], SAMPLE)
    return folder


def test_export_format_predicts_as_keras_in_its_runtime(run):
    cnn = CnnModel.from_pretrained(run)
    images = next(HubStream(SAMPLE, "test", batch_size=70).ordered()).images
    wanted = cnn.predict(images)
    pixels = np.stack([decode(image, cnn.config.image_shape) for image in images]).astype(np.float32)
    for name in EXACT:
        for count in (1, 70):  # any number of images per call
            found = CONVERTERS[name].load(run / EXPORT_FORMATS[name].file)(pixels[:count])
            assert np.abs(found - wanted[:count]).max() < 1e-5


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu", "pooling": "average", "temperature": 1.3},
        {"activation": "leaky_relu", "dense_units": (), "target_scaling": TargetScaling(3e-6, 2e-6)} | NUMBER,
        {"activation": "prelu", "normalization": "layer"},
        {"activation": "sigmoid", "normalization": "none", "loss": "hinge"},
        {"activation": "tanh", "image_shape": (33, 20, 3)} | BINARY,
        {"activation": "swish", "pooling": "stride", "l2": 1e-4},
        {"activation": "elu", "convolutions": (2, 1), "kernel_size": 5},
        {"activation": "gelu", "normalization": "layer"},
    ],
    ids=lambda options: options["activation"],
)
def test_export_every_kind_of_layer(options):
    image_shape = options.get("image_shape", (28, 28, 1))
    further = {"filters": (4, 8), "dense_units": (16,), "dropout": 0.3, "scaling": Scaling("z-score", (33.0,), (78.0,))}
    cnn = CnnModel(CnnConfig(**{**further, **options}))
    rng = np.random.default_rng(0)
    for weight in cnn.network.weights:  # as after a training: a fresh batch normalization does nothing
        if "_norm/" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    pixels = rng.integers(0, 256, (9, *image_shape), np.uint8)
    wanted = cnn.predict(pixels)
    for name in EXACT:
        content, entry = convert_and_check(cnn, name, some_rows(pixels), wanted)
        assert len(content) > 4 * cnn.network.count_params() and entry.largest_difference <= 1e-5


def test_exports_json_says_what_was_checked(run):
    report = json.loads((run / "exports.json").read_text())
    for one in report["formats"].values():
        assert one["checked_on"] == {"dataset": "sample", "split": "test", "rows": 1000}
        assert 0 <= one["largest_difference"] <= 1e-5 and (run / one["file"]).stat().st_size == one["bytes"]
        assert one["latency"]["milliseconds"] > 0 and one["quantization"] is None
    assert (run / "labels.txt").read_text() == "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"


def test_export_unreachable_dataset_falls_back_to_fitting_sample(fresh, monkeypatch, caplog):
    caplog.set_level("INFO", "trazo")
    monkeypatch.setattr(module, "convert_and_check", converted)
    report = export(fresh, ["onnx"])  # its evaluation names a dataset on the Hub, which the tests cannot reach
    assert report.formats["onnx"].checked_on.to_dict() == {"dataset": "sample", "split": "test", "rows": 1000}
    assert "checked with the bundled sample: " in caplog.text
    monkeypatch.setattr(export_rows, "SAMPLE_SHAPE", (32, 32, 3))
    with pytest.raises(TrazoError, match="no images to check with: .*ylecun/mnist.*; give --dataset$"):
        export(fresh, ["onnx"])


def test_export_checks_the_columns_of_the_evaluation(fresh, tmp_path, monkeypatch):
    features = Features({"scan": Image(), "photo": Image(), "digit": ClassLabel(names=list("0123456789"))})
    columns = {"scan": random_images(9, (28, 28)), "photo": random_images(9, (28, 28)), "digit": range(9)}
    dataset = write_dataset(tmp_path / "scans", features, [columns], split="test")
    stream = HubStream(dataset, "test", image_column="scan")
    write_report(fresh / "evaluation.json", evaluate(CnnModel.from_pretrained(fresh), stream))
    monkeypatch.setattr(module, "convert_and_check", converted)
    report = export(fresh, ["onnx"])
    assert report.formats["onnx"].checked_on.to_dict() == {"dataset": "scans", "split": "test", "rows": 9}


def test_export_check_is_bounded_in_images_and_batch(small, monkeypatch):
    cnn, sizes = CnnModel.from_pretrained(small), []
    load = lambda path: lambda pixels: sizes.append(len(pixels)) or cnn.network(pixels, training=False).numpy()  # noqa: E731
    monkeypatch.setitem(CONVERTERS, "litert", replace(CONVERTERS["litert"], load=load, latency=None))
    monkeypatch.setattr(export_rows, "MAX_ROWS_BYTES", 100 * 28 * 28)
    monkeypatch.setattr(module, "MAX_MAP_VALUES", 40 * cnn.config.largest_map)
    export(small, ["litert"], SAMPLE)
    assert sizes == [40, 40, 20]


def test_export_missing_package_or_folder_is_an_error(fresh, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(TrazoError, match="^onnx needs tf2onnx: `pip install -r requirements.txt`$"):
        export(fresh, ["onnx"], SAMPLE)
    with pytest.raises(TrazoError, match="someone/digits' does not exist"):
        export(tmp_path / "someone/digits", ["litert"], SAMPLE)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"formats": {"onnx": {"file": "../secret", "sha256": ""}}}', '{"formats": {"onnx": 1}}'],
)
def test_exports_json_damaged_is_an_error(fresh, text):
    (fresh / "exports.json").write_text(text)
    for call in (lambda: exported_files(fresh), lambda: export(fresh, ["onnx"], SAMPLE)):
        with pytest.raises(TrazoError, match="exports.json .*delete it and "):
            call()


def test_export_with_other_predictions_is_not_written(small, monkeypatch):
    right = CONVERTERS["litert"].load
    wrong = lambda path: lambda pixels: np.roll(right(path)(pixels), 1, axis=1)  # noqa: E731
    monkeypatch.setitem(CONVERTERS, "litert", replace(CONVERTERS["litert"], load=wrong))
    with pytest.raises(
        TrazoError, match="as litert predicts something else: differences up to .*, 1000 other predictions"
    ):
        export(small, ["litert"], SAMPLE)
    assert not {"model.tflite", "labels.txt", "exports.json"} & {path.name for path in small.iterdir()}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (0.7 + 2e-5, "up to 2.0e-05, 0 other predictions"),
        (0.5 + 1e-6, "up to .*e-06, 2 other predictions"),
        (np.nan, "up to nan"),
    ],
)
def test_export_difference_or_other_class_or_nan_is_refused(monkeypatch, found, message):
    cnn = CnnModel(CnnConfig(filters=(4,), **BINARY))
    pixels = np.zeros((2, 28, 28, 1), np.uint8)
    cnn.predict(pixels)
    yes = 0.7 if found > 0.6 else 0.5 - 1e-6
    wanted = np.array([[1 - yes, yes]] * 2, np.float32)
    load = lambda path: lambda pixels: np.full((2, 1), found, np.float32)  # noqa: E731
    monkeypatch.setitem(CONVERTERS, "litert", replace(CONVERTERS["litert"], load=load))
    with pytest.raises(TrazoError, match=message):
        convert_and_check(cnn, "litert", some_rows(pixels), wanted)


def test_export_command_and_its_user_errors(small, tmp_path, capsys):
    assert main(["export", str(small), "--to", "onnx", "--dataset", SAMPLE]) == 0
    assert "same predictions on 1,000 rows of sample, test" in capsys.readouterr().out
    folder = shutil.copytree(PRETRAINED, tmp_path / "run")
    assert main(["export", str(folder), "--to", "onnx", "--dataset", "nobody/nothing"]) == 2
    error = capsys.readouterr().err
    assert "give --dataset" in error and "Traceback" not in error
    assert main(["export", "nobody/nothing", "--to", "onnx"]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "does not exist" in error


def test_publish_exports_go_only_with_their_weights(run, tmp_path, use_hub, capsys):
    folder = shutil.copytree(run, tmp_path / "run")
    with LoopbackHub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "home")
        publish = ["publish", str(folder), "--repo", "someone/digits"]
        assert main(publish) == 0
        files = hub.files("someone/digits", "model")
        for name in ("onnx/model.onnx", "model.tflite", "labels.txt", "exports.json"):
            assert files[name] == (run / name).read_bytes()
        card = files["README.md"].decode()
        assert "`onnx/model.onnx` | " in card and "- onnx\n- tflite\n" in card.split("---")[1]
        assert 'AutoModel.from_pretrained("someone/digits", { dtype: "fp32" })' in card

        (folder / "model.tflite").write_bytes(b"another")
        assert main(publish) == 2
        assert "model.tflite is not what was exported" in capsys.readouterr().err

        report = json.loads((folder / "exports.json").read_text())
        (folder / "exports.json").write_text(json.dumps(report | {"weights_sha256": "0" * 64}))
        assert main(publish) == 0
        files = hub.files("someone/digits", "model")
        assert not {"onnx/model.onnx", "model.tflite", "labels.txt", "exports.json"} & files.keys()
        assert "onnx" not in files["README.md"].decode()


@pytest.mark.parametrize(("block", "name"), [(3, "onnxruntime"), (4, "ai_edge_litert")])
def test_card_code_for_runtimes_runs(run, monkeypatch, block, name):
    write_card(run)
    code = (run / "README.md").read_text().split("```python\n")[block].split("```")[0]
    monkeypatch.chdir(run)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    space = {"pixels": pixels.astype(np.float32)}
    exec(code, space)
    assert name in code and np.abs(space["answers"] - CnnModel.from_pretrained(run).predict(pixels)).max() < 1e-5
