"""The images that an exported network is checked on."""

import pytest

from model import CnnConfig, CnnModel
from model.io.reports import write_report
from model.io.reports.training import TrainingReport
from tests.support.datasets import random_images
from tests.support.exports import converted
from tests.support.folders import write_files
from tests.support.run_reports import TRAINING
from training.config import DataConfig
from training.data.decode import decoded_batches
from training.data.provenance import data_section
from training.data.splits import open_data, open_test
from training.evaluation.metrics import evaluate
from training.release import export as module
from training.release.export import export


@pytest.mark.parametrize("config", [None, "default"])  # null, and what older versions wrote
def test_export_of_a_run_on_a_folder_of_images_is_checked_on_its_test_rows(tmp_path, monkeypatch, config):
    calibrated = []
    monkeypatch.setattr(module, "convert_and_check", lambda *given: calibrated.append(given[-1]) or converted(*given))
    images = random_images(40, (8, 8))
    root = write_files(tmp_path / "pets", {f"{'ab'[n % 2]}/{n}.png": image for n, image in enumerate(images)})
    data, run = DataConfig(root, test_fraction=0.3), tmp_path / "run"
    opened = open_data(data)
    section = data_section(opened.train, opened.validation)
    shape = {"image_shape": opened.image_shape, "filters": (2,), "dense_units": ()}
    cnn = CnnModel(CnnConfig(task="binary", labels=("a", "b"), **shape))
    stream, split = open_test(data, cnn.config.labels)
    evaluation = evaluate(cnn, stream)
    assert section["config"] is section["datasets"][0]["config"] is evaluation.config is None
    evaluation.split, evaluation.config, section["config"] = split, config, config
    cnn.save_pretrained(run)
    write_report(run / "evaluation.json", evaluation)
    options = {"data": {"test_fraction": 0.3}, "training": {}}
    write_report(run / "training.json", TrainingReport.build(**TRAINING | {"data": section}, options=options))
    checked_on = export(run, ["onnx-int8"]).formats["onnx-int8"].checked_on
    assert checked_on.to_dict() == {
        "dataset": "pets",
        "split": "train, 30% held out by content",
        "rows": evaluation.rows,
    }
    [rows] = calibrated
    assert rows.source.to_dict() == {"dataset": "pets", "split": "train", "rows": len(rows.pixels)}
    # The rows that were trained on: none that was held out to validate or to test.
    batches = decoded_batches(opened.train, opened.train.ordered(), cnn.config.image_shape)
    trained_on = {image.tobytes() for images, _, _ in batches for image in images}
    assert {image.tobytes() for image in rows.pixels} == trained_on and evaluation.rows + len(trained_on) < 40
