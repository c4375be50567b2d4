"""`CnnModel`: predictions, out-of-distribution scores, saving and loading."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from PIL import Image, ImageDraw

from model import CnnConfig, CnnModel, ModelError
from model.cnn import MAX_BATCH_SIZE
from model.preprocess.decode import ImageError
from model.preprocess.foreground import BlankDrawingError
from model.views import other_views
from tests.conftest import SAMPLE


@pytest.fixture(scope="module")
def images() -> list[bytes]:
    return [row["bytes"] for row in pq.read_table(f"{SAMPLE}/data/test-00000-of-00001.parquet")["image"].to_pylist()]


@pytest.fixture(scope="module")
def bundled() -> CnnModel:
    return CnnModel.from_pretrained()


def bundled_inputs(images: list[bytes]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(io.BytesIO(image)))[..., None] for image in images])


def test_cnn_bundled_model_is_accurate_on_the_sample(bundled, images):
    table = pq.read_table(f"{SAMPLE}/data/test-00000-of-00001.parquet")
    answers = bundled.predict(images).argmax(axis=1)
    assert (answers == table["label"].to_numpy()).mean() > 0.99
    assert sum(path.stat().st_size for path in bundled.folder.glob("*.safetensors")) < 3_000_000
    reports = {path.name for path in bundled.folder.iterdir()}
    assert {"README.md", "training.json", "trials.json", "evaluation.json"} <= reports
    assert json.loads((bundled.folder / "evaluation.json").read_text())["accuracy"] >= 0.994


def test_predict_takes_images_in_every_form(bundled, images):
    expected = bundled.predict(images[:5])
    assert expected.shape == (5, 10) and expected.dtype == np.float32
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    opened = [Image.open(io.BytesIO(image)) for image in images[:5]]
    array = np.stack([np.asarray(one) for one in opened])
    rows = load_dataset(SAMPLE, split="test", streaming=True).take(5)
    forms = {
        "Pillow images": opened,
        "arrays": list(array),
        "array": array,
        "array with channels": array[..., None],
        "color": [one.convert("RGB") for one in opened],
        "a dataset": rows,
        "undecoded rows": rows.decode(False),
        "generator": (one for one in opened),
    }
    for name, form in forms.items():
        assert (bundled.predict(form) == expected).all(), name
    for single in (opened[0], array[0], images[0]):
        np.testing.assert_allclose(bundled.predict(single), expected[:1], atol=1e-6)
    assert bundled.predict([]).shape == (0, 10)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_predict_single_array_with_channels_is_one_image(bundled, images, channels):
    image = np.asarray(Image.open(io.BytesIO(images[0])))
    alone = np.repeat(image[..., None], channels, axis=2)
    if channels == 4:
        alone[..., 3] = 255
    np.testing.assert_allclose(bundled.predict(alone), bundled.predict([image]), atol=1e-6)
    assert (bundled.predict_sketch(alone) == bundled.predict_sketch([image])).all()


def test_predict_batch_three_pixels_wide_stays_a_batch():
    narrow = CnnModel(CnnConfig(image_shape=(8, 3, 1), filters=(4,), kernel_size=3))
    assert narrow.predict(np.zeros((5, 8, 3), np.uint8)).shape == (5, 10)
    assert narrow.predict(np.zeros((9, 8, 3), np.uint8)).shape == (9, 10)
    assert narrow.predict(np.zeros((5, 9, 3), np.uint8)).shape == (1, 10)


def test_predict_does_not_depend_on_batch_length(bundled, images):
    many = (images * 2)[: MAX_BATCH_SIZE + 3]
    one_by_one = np.concatenate([bundled.predict([image]) for image in many[MAX_BATCH_SIZE - 2 :]])
    np.testing.assert_allclose(bundled.predict(many)[MAX_BATCH_SIZE - 2 :], one_by_one, atol=1e-5)


@pytest.mark.parametrize("name", ["mirror", "mirror-shift"])
def test_predict_averaged_over_views_is_their_mean_and_rejects_by_the_image_itself(bundled, images, name):
    averaged, ood = bundled.predict_and_reject(images[:9], average_views=name)
    (alone, same), pixels = bundled.predict_and_reject(images[:9]), bundled_inputs(images[:9])
    others = [bundled.predict_inputs(view)[0] for view in other_views(pixels, name)]
    np.testing.assert_allclose(averaged, np.mean([alone, *others], axis=0), atol=1e-6)
    assert (averaged != alone).any() and (ood.score == same.score).all()
    plain = CnnModel(bundled.config, bundled.network)  # without a detector
    np.testing.assert_allclose(plain.predict_and_reject(images[:9], name)[0], averaged, atol=1e-6)


def test_batches_are_small_for_large_feature_maps():
    large = CnnModel(CnnConfig(image_shape=(512, 512, 1), filters=(64,), convolutions=1, dense_units=()))
    assert [len(batch) for batch in large._batches([np.zeros((512, 512, 1), np.uint8)] * 9)] == [4, 4, 1]


def test_predict_sketch_reads_digits_of_the_dataset(bundled, images):
    answers = bundled.predict_sketch(images[:500]).argmax(axis=1)
    true = pq.read_table(f"{SAMPLE}/data/test-00000-of-00001.parquet")["label"].to_numpy()[:500]
    assert (answers == true).mean() >= 0.98


def test_predict_sketch_reads_drawings_anywhere_on_a_page(bundled, images):
    """The sample's digits as black ink on a large white page, off-center."""
    pages = []
    for image in images[:40]:
        digit = 255 - np.asarray(Image.open(io.BytesIO(image)).resize((168, 168), Image.Resampling.BICUBIC))
        page = np.full((500, 700), 255, np.uint8)
        page[300:468, 40:208] = digit
        pages.append(page)
    answers = bundled.predict_sketch(pages)
    assert answers.shape == (40, 10) and answers.dtype == np.float32
    assert (answers.argmax(axis=1) == bundled.predict(images[:40]).argmax(axis=1)).mean() >= 0.95
    with pytest.raises(BlankDrawingError):
        bundled.predict_sketch([np.full((50, 50), 255, np.uint8)])


@pytest.mark.parametrize(
    "bad", [[np.zeros((28, 28))], ["digit.png"], [{"label": 3}], [b"no image"], "7.png", Path("7.png"), None]
)
def test_predict_non_image_is_refused(bundled, bad):
    for method in (bundled.predict, bundled.predict_sketch, bundled.reject, bundled.reject_sketch):
        with pytest.raises(ImageError):
            method(bad)


def test_predict_binary_has_two_columns_and_regression_one(images):
    binary = CnnModel(CnnConfig(labels=("no", "yes"), task="binary", filters=(4,))).predict(images[:3])
    assert binary.shape == (3, 2)
    np.testing.assert_allclose(binary.sum(axis=1), 1, atol=1e-6)
    number = CnnModel(CnnConfig(labels=("x",), task="regression", filters=(4,))).predict(images[:3])
    assert number.shape == (3, 1) and number.dtype == np.float32


def test_save_pretrained_keeps_predictions_bit_for_bit(tmp_path, images):
    cnn = CnnModel(CnnConfig(filters=(4, 8), activation="prelu", normalization="layer"))
    cnn.save_pretrained(tmp_path)
    again = CnnModel.from_pretrained(tmp_path)
    assert again.config == cnn.config
    assert (again.predict(images[:50]) == cnn.predict(images[:50])).all()
    assert "A Trazo model" in (tmp_path / "README.md").read_text()


def test_save_pretrained_copies_reports_of_the_same_weights_only(tmp_path, bundled):
    bundled.save_pretrained(tmp_path / "same")
    for path in bundled.folder.iterdir():
        assert (tmp_path / "same" / path.name).read_bytes() == path.read_bytes()
    changed = CnnModel.from_pretrained()
    changed.network.weights[0].assign(changed.network.weights[0] * 2)
    changed.save_pretrained(tmp_path / "changed")
    assert not (tmp_path / "changed" / "evaluation.json").exists()


def test_save_pretrained_over_another_model_replaces_its_card(tmp_path, bundled):
    bundled.save_pretrained(tmp_path)
    bundled.save_pretrained(tmp_path)  # the same weights: everything stays
    measured = f"{100 * json.loads((bundled.folder / 'evaluation.json').read_text())['accuracy']:.2f} %"
    assert (tmp_path / "training.json").exists() and measured in (tmp_path / "README.md").read_text()
    CnnModel(CnnConfig(filters=(4,))).save_pretrained(str(tmp_path))
    assert measured not in (tmp_path / "README.md").read_text() and not (tmp_path / "training.json").exists()
    CnnModel.from_pretrained(tmp_path).save_pretrained(tmp_path / "copy")
    assert measured not in (tmp_path / "copy" / "README.md").read_text()


def test_save_pretrained_skips_evaluation_of_other_weights(tmp_path, bundled):
    run = tmp_path / "run"
    bundled.save_pretrained(run)
    evaluation = json.loads((run / "evaluation.json").read_text())
    (run / "evaluation.json").write_text(json.dumps(evaluation | {"weights_sha256": "0" * 64}))
    CnnModel.from_pretrained(run).save_pretrained(tmp_path / "copy")
    names = {path.name for path in (tmp_path / "copy").iterdir()}
    assert "training.json" in names and "evaluation.json" not in names


def test_from_pretrained_disk_error_is_a_model_error():
    with pytest.raises(ModelError, match="name too long"):
        CnnModel.from_pretrained("a" * 5000)


@pytest.mark.parametrize("name", ["no-such-folder", "not/a/repo", "nobody/nothing", ""])
def test_from_pretrained_unknown_name_is_refused(name):
    with pytest.raises(ModelError):
        CnnModel.from_pretrained(name or "/does/not/exist")


def test_sketch_blank_drawing_is_named_and_rejected(bundled):
    seven = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(seven).line([(60, 50), (140, 50), (90, 160)], fill=0, width=14)
    blank = Image.new("L", (200, 200), 255)
    with pytest.raises(BlankDrawingError, match="nothing is drawn in drawing 2"):
        bundled.predict_sketch([seven, seven, blank])
    judged = bundled.reject_sketch([seven, blank, seven])
    assert judged.rejected.tolist() == [False, True, False] and np.isinf(judged.score[1])
    assert judged.score[0] == pytest.approx(bundled.reject_sketch([seven]).score[0], rel=1e-4)
    assert bundled.reject_sketch([blank]).rejected.tolist() == [True]
    assert bundled.reject(np.zeros((28, 28), np.uint8)).rejected.tolist() == [True]


def test_predict_reads_an_iterator_batch_by_batch(bundled):
    taken, answered = [], []

    def stream():
        for number in range(600):
            taken.append(number)
            yield np.zeros((28, 28), np.uint8)

    forward = bundled._forward
    bundled._forward = lambda batch: answered.append(len(taken)) or forward(batch)
    try:
        assert len(bundled.predict(stream())) == 600
    finally:
        bundled._forward = forward
    assert answered == [256, 512, 600]
