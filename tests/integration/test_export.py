import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from model import CnnConfig, CnnModel, TrazoError
from model.io.atomic import write_json
from model.io.locate import PRETRAINED
from model.preprocess.decode import decode
from model.scaling import Scaling
from tests.conftest import ROOT, SAMPLE
from tests.support.datasets import pictures, write_dataset
from tests.support.fake_hub import LoopbackHub
from training.evaluation.metrics import evaluate
from training.release import export as module
from training.release.export import FORMATS, checked, export
from training.release.publish import exported, write_card
from training.stream import HubStream

BINARY = {"task": "binary", "labels": ("no", "yes")}
NUMBER = {"task": "regression", "labels": ("age",)}


@pytest.fixture
def fresh(tmp_path):
    """A run that was not exported."""
    return shutil.copytree(PRETRAINED, tmp_path / "run")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(PRETRAINED, folder)
    export(folder, ["onnx", "litert"], SAMPLE)
    return folder


def test_each_format_answers_as_keras_does_in_its_own_runtime(run):
    cnn = CnnModel.from_pretrained(run)
    images = next(HubStream(SAMPLE, "test", batch_size=70).ordered()).images
    wanted = cnn.predict(images)
    pixels = np.stack([decode(image, cnn.config.image_shape) for image in images]).astype(np.float32)
    for one in FORMATS.values():
        for count in (1, 70):  # any number of pictures at once
            found = one.load(run / one.path)(pixels[:count])
            assert np.abs(found - wanted[:count]).max() < 1e-5


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu", "pooling": "average", "temperature": 1.3},
        {"activation": "leaky_relu", "dense_units": ()} | NUMBER,
        {"activation": "prelu", "normalization": "layer"},
        {"activation": "sigmoid", "normalization": "none", "loss": "hinge"},
        {"activation": "tanh", "image_shape": (33, 20, 3)} | BINARY,
        {"activation": "swish", "pooling": "stride", "l2": 1e-4},
        {"activation": "elu", "convolutions": (2, 1), "kernel_size": 5},
        {"activation": "gelu", "normalization": "layer"},
    ],
    ids=lambda options: options["activation"],
)
def test_whatever_a_network_is_made_of_is_exported(options):
    image_shape = options.get("image_shape", (28, 28, 1))
    further = {"filters": (4, 8), "dense_units": (16,), "dropout": 0.3, "scaling": Scaling("z-score", (33.0,), (78.0,))}
    cnn = CnnModel(CnnConfig(**{**further, **options}))
    rng = np.random.default_rng(0)
    for weight in cnn.network.weights:  # as after a training: a fresh batch normalisation does nothing
        if "_norm/" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    pixels = rng.integers(0, 256, (9, *image_shape), np.uint8)
    wanted = cnn.predict(pixels)
    for name in FORMATS:
        content, difference = checked(cnn, name, pixels, wanted)
        assert len(content) > 4 * cnn.network.count_params() and difference <= 1e-5


def test_the_record_tells_what_was_checked(run):
    report = json.loads((run / "exports.json").read_text())
    for one in report["formats"].values():
        assert one["checked_on"] == {"dataset": "sample", "split": "test", "rows": 1000}
        assert 0 <= one["largest_difference"] <= 1e-5 and (run / one["file"]).stat().st_size == one["bytes"]


def test_without_the_evaluations_dataset_the_sample_is_answered_where_it_fits(fresh, monkeypatch, capsys):
    monkeypatch.setattr(module, "checked", lambda cnn, name, pixels, wanted: (b"%d" % len(pixels), 0.0))
    report = export(fresh, ["onnx"])  # its evaluation names a dataset on the Hub, which the tests cannot reach
    assert report["formats"]["onnx"]["checked_on"] == {"dataset": "sample", "split": "test", "rows": 1000}
    assert "checked with the bundled sample: " in capsys.readouterr().out
    monkeypatch.setattr(module, "SAMPLE_SHAPE", (32, 32, 3))
    with pytest.raises(TrazoError, match="no pictures to check with: .*ylecun/mnist.*; give --dataset$"):
        export(fresh, ["onnx"])


def test_the_evaluations_columns_are_those_that_are_answered(fresh, tmp_path, monkeypatch):
    features = Features({"scan": Image(), "photo": Image(), "digit": ClassLabel(names=list("0123456789"))})
    columns = {"scan": pictures(9, (28, 28)), "photo": pictures(9, (28, 28)), "digit": range(9)}
    dataset = write_dataset(tmp_path / "scans", features, [columns], split="test")
    stream = HubStream(dataset, "test", image_column="scan")
    write_json(fresh / "evaluation.json", evaluate(CnnModel.from_pretrained(fresh), stream))
    monkeypatch.setattr(module, "checked", lambda *_: (b"", 0.0))
    report = export(fresh, ["onnx"])
    assert report["formats"]["onnx"]["checked_on"] == {"dataset": "scans", "split": "test", "rows": 9}


def test_pictures_go_through_a_few_at_once_and_no_more_are_held_than_allowed(fresh, monkeypatch):
    cnn, sizes = CnnModel.from_pretrained(fresh), []
    load = lambda path: lambda pixels: sizes.append(len(pixels)) or cnn.network(pixels, training=False).numpy()  # noqa: E731
    monkeypatch.setitem(module.FORMATS, "litert", replace(FORMATS["litert"], load=load))
    monkeypatch.setattr(module, "MOST_BYTES", 100 * 28 * 28)
    monkeypatch.setattr(module, "NUMBERS", 40 * cnn.config.largest_map)
    export(fresh, ["litert"], SAMPLE)
    assert sizes == [40, 40, 20]


def test_a_package_that_is_missing_and_a_folder_that_is_not_there_are_told_first(fresh, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(TrazoError, match="^onnx needs tf2onnx: `pip install -r requirements.txt`$"):
        export(fresh, ["onnx"], SAMPLE)
    with pytest.raises(TrazoError, match="there is no folder .*someone/digits"):
        export(tmp_path / "someone/digits", ["litert"], SAMPLE)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"formats": {"onnx": {"file": "../secret", "sha256": ""}}}', '{"formats": {"onnx": 1}}'],
)
def test_a_damaged_record_is_named_and_nothing_is_published(fresh, text):
    (fresh / "exports.json").write_text(text)
    for call in (lambda: exported(fresh), lambda: export(fresh, ["onnx"], SAMPLE)):
        with pytest.raises(TrazoError, match="exports.json .*delete it and "):
            call()


def test_a_network_that_answers_otherwise_is_not_kept(fresh, monkeypatch):
    folder = fresh
    right = FORMATS["litert"].load
    wrong = lambda path: lambda pixels: np.roll(right(path)(pixels), 1, axis=1)  # noqa: E731
    monkeypatch.setitem(module.FORMATS, "litert", replace(FORMATS["litert"], load=wrong))
    with pytest.raises(TrazoError, match="as litert answers otherwise: by up to .*, 1000 other answers"):
        export(folder, ["litert"], SAMPLE)
    assert not (folder / "model.tflite").exists() and not (folder / "exports.json").exists()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (0.7 + 2e-5, "by up to 2.0e-05, 0 other answers"),
        (0.5 + 1e-6, "by up to .*e-06, 2 other answers"),
        (np.nan, "by up to nan"),
    ],
)
def test_what_is_too_far_or_another_answer_or_no_number_is_refused(monkeypatch, found, message):
    cnn = CnnModel(CnnConfig(filters=(4,), **BINARY))
    pixels = np.zeros((2, 28, 28, 1), np.uint8)
    cnn.predict(pixels)
    yes = 0.7 if found > 0.6 else 0.5 - 1e-6
    wanted = np.array([[1 - yes, yes]] * 2, np.float32)
    load = lambda path: lambda pixels: np.full((2, 1), found, np.float32)  # noqa: E731
    monkeypatch.setitem(module.FORMATS, "litert", replace(FORMATS["litert"], load=load))
    with pytest.raises(TrazoError, match=message):
        checked(cnn, "litert", pixels, wanted)


def test_the_command_and_its_mistakes(run, training, tmp_path):
    answer = training("export", run, "--to", "onnx", "--dataset", SAMPLE)
    assert answer.returncode == 0 and "on 1,000 rows of sample, test, the same answers" in answer.stdout, answer.stderr
    folder = shutil.copytree(PRETRAINED, tmp_path / "run")
    answer = training("export", folder, "--to", "onnx", "--dataset", "nobody/nothing")
    assert answer.returncode == 2 and "give --dataset" in answer.stderr and "Traceback" not in answer.stderr
    answer = training("export", "nobody/nothing", "--to", "onnx")
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1 and "no folder" in answer.stderr


def test_exports_are_published_with_their_weights_and_with_no_others(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    with LoopbackHub(tmp_path / "hub") as hub:
        environment = hub.environ(tmp_path / "home", token=True) | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "0"}

        def publish() -> subprocess.CompletedProcess:
            command = [sys.executable, "-m", "training", "publish", str(folder), "--repo", "someone/digits"]
            return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT, timeout=200)

        answer = publish()
        assert answer.returncode == 0, answer.stderr
        files = hub.files("someone/digits", "model")
        for name in ("onnx/model.onnx", "model.tflite", "exports.json"):
            assert files[name] == (run / name).read_bytes()
        card = files["README.md"].decode()
        assert "`onnx/model.onnx` | " in card and "- onnx\n- tflite\n" in card.split("---")[1]
        assert 'AutoModel.from_pretrained("someone/digits", { dtype: "fp32" })' in card

        (folder / "model.tflite").write_bytes(b"another")
        answer = publish()
        assert answer.returncode == 2 and "model.tflite is not what was exported" in answer.stderr

        report = json.loads((folder / "exports.json").read_text())
        (folder / "exports.json").write_text(json.dumps(report | {"weights_sha256": "0" * 64}))
        assert publish().returncode == 0
        files = hub.files("someone/digits", "model")
        assert not {"onnx/model.onnx", "model.tflite", "exports.json"} & files.keys()
        assert "onnx" not in files["README.md"].decode()


@pytest.mark.parametrize(("block", "name"), [(2, "onnxruntime"), (3, "ai_edge_litert")])
def test_the_cards_code_runs(run, monkeypatch, block, name):
    write_card(run)
    code = (run / "README.md").read_text().split("```python\n")[block].split("```")[0]
    monkeypatch.chdir(run)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    space = {"pixels": pixels.astype(np.float32)}
    exec(code, space)
    assert name in code and np.abs(space["answers"] - CnnModel.from_pretrained(run).predict(pixels)).max() < 1e-5
