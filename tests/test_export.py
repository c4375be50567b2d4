import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from model import CnnModel, TrazoError
from model.converter import decode
from model.folder import PRETRAINED
from tests.conftest import ROOT, SAMPLE
from tests.hub import LoopbackHub
from training import export as module
from training.export import FORMATS, export
from training.publish import write_card
from training.stream import HubStream


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


def test_the_record_tells_what_was_checked(run):
    report = json.loads((run / "exports.json").read_text())
    for one in report["formats"].values():
        assert one["checked_on"] == {"dataset": "sample", "split": "test", "rows": 1000}
        assert 0 <= one["largest_difference"] <= 1e-5 and (run / one["file"]).stat().st_size == one["bytes"]


def test_a_network_that_answers_otherwise_is_not_kept(tmp_path, monkeypatch):
    folder = shutil.copytree(PRETRAINED, tmp_path / "run")
    right = FORMATS["litert"].load
    wrong = lambda path: lambda pixels: np.roll(right(path)(pixels), 1, axis=1)  # noqa: E731
    monkeypatch.setitem(module.FORMATS, "litert", replace(FORMATS["litert"], load=wrong))
    with pytest.raises(TrazoError, match="as litert answers otherwise: by up to .*, 1000 other answers"):
        export(folder, ["litert"], SAMPLE)
    assert not (folder / "model.tflite").exists() and not (folder / "exports.json").exists()


def test_the_command_and_its_mistakes(run, training, tmp_path):
    answer = training("export", run, "--to", "onnx", "--dataset", SAMPLE)
    assert answer.returncode == 0 and "on 1,000 rows of sample, test, the same answers" in answer.stdout, answer.stderr
    folder = shutil.copytree(PRETRAINED, tmp_path / "run")
    answer = training("export", folder, "--to", "onnx", "--dataset", "nobody/nothing")
    assert answer.returncode == 2 and "--dataset names others" in answer.stderr and "Traceback" not in answer.stderr
    (folder / "evaluation.json").unlink()
    answer = training("export", folder, "--to", "onnx")
    assert answer.returncode == 2 and "give --dataset" in answer.stderr


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
        assert "`onnx/model.onnx` | " in card and "- litert" in card.split("---")[1]

        (folder / "model.tflite").write_bytes(b"another")
        answer = publish()
        assert answer.returncode == 2 and "model.tflite is not what was exported" in answer.stderr

        report = json.loads((folder / "exports.json").read_text())
        (folder / "exports.json").write_text(json.dumps(report | {"weights_sha256": "0" * 64}))
        assert publish().returncode == 0
        files = hub.files("someone/digits", "model")
        assert not {"onnx/model.onnx", "model.tflite", "exports.json"} & files.keys()
        assert "onnx" not in files["README.md"].decode()


def test_the_cards_code_for_onnx_runs(run, monkeypatch):
    write_card(run)
    code = (run / "README.md").read_text().split("```python\n")[2].split("```")[0]
    monkeypatch.chdir(run)
    space = {"pixels": np.zeros((3, 28, 28, 1), np.float32)}
    exec(code, space)
    assert space["answers"].shape == (3, 10)
