import numpy as np
import pytest

from model import CnnConfig, CnnModel, ModelError, TrazoError
from model.explain import Explainer
from model.network import build_network
from model.preprocess.decode import decode, open_image
from model.preprocess.sketch import sketch_to_input
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training.config import TrainConfig
from training.evaluation import calibration
from training.evaluation.calibration import calibrate, fit_temperature
from training.loop.trainer import fit
from training.stream import HubStream

SCALING = Scaling("min-max", (0.0,), (255.0,))


@pytest.fixture(scope="module")
def streams() -> tuple[HubStream, HubStream]:
    return HubStream(SAMPLE, "train", seed=0, batch_size=64).hold_out(0.3)


@pytest.fixture(scope="module")
def model(streams) -> CnnModel:
    config = CnnConfig(filters=(8, 16), convolutions=1, dense_units=(), scaling=SCALING)
    settings = TrainConfig(epochs=6, batch_size=64, learning_rate=1e-2, augment=0.0, patience=9)
    network, _ = fit(config, settings, *streams, verbose=False)
    return calibrate(config, network, *streams)


def pictures(stream: HubStream) -> tuple[list[bytes], np.ndarray]:
    batches = list(stream.ordered())
    return [image for batch in batches for image in batch.images], np.concatenate([b.labels for b in batches])


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("task", ["multiclass", "binary"])
def test_the_temperature_that_made_the_scores_is_found(task, temperature):
    r = np.random.default_rng(0)
    scores = r.normal(0, 2, (20_000, 5 if task == "multiclass" else 1))
    full = scores if task == "multiclass" else np.concatenate([np.zeros_like(scores), scores], axis=1)
    labels = (full + r.gumbel(size=full.shape)).argmax(axis=1)  # drawn from the softmax of the scores
    assert fit_temperature(scores * temperature, labels, task) == pytest.approx(temperature, rel=0.06)


def test_the_likelihood_of_the_validation_rows_cannot_be_bettered_by_another_temperature(model, streams):
    images, labels = pictures(streams[1])
    logs = np.log(np.maximum(model.predict(images), 1e-30)).astype(np.float64)

    def loss(factor: float) -> float:
        scaled = logs * factor
        return float((np.logaddexp.reduce(scaled, axis=1) - scaled[np.arange(len(labels)), labels]).mean())

    assert loss(1.0) <= min(loss(0.9), loss(1.1))
    assert loss(model.config.temperature) > loss(1.0) + 1e-4  # which undoes it


@pytest.mark.parametrize("task", ["multiclass", "binary"])
def test_rows_that_are_all_answered_rightly_do_not_make_everything_certain(task):
    r = np.random.default_rng(0)
    labels = r.integers(0, 2 if task == "binary" else 10, 350)
    if task == "binary":
        scores = (2 * labels[:, None] - 1) * r.uniform(5, 9, (350, 1))
        largest = np.abs(scores[:, 0])
    else:
        scores = r.normal(0, 1, (350, 10))
        scores[np.arange(350), labels] += 12
        largest = scores.max(axis=1) - np.log(np.exp(scores).sum(axis=1) - np.exp(scores.max(axis=1)))
    temperature = fit_temperature(scores, labels, task)
    unsure = 1 / (1 + np.exp(largest / temperature))  # roughly, for several classes
    assert 0.3 < unsure.mean() * 352 < 3


def test_calibration_changes_no_answer(model, streams):
    images, _ = pictures(streams[1])
    plain = build_network(CnnConfig(filters=(8, 16), convolutions=1, dense_units=(), scaling=SCALING))
    for new, old in zip(plain.weights, model.network.weights, strict=True):
        new.assign(old)
    before = CnnModel(CnnConfig(filters=(8, 16), convolutions=1, dense_units=(), scaling=SCALING), plain)
    assert (before.predict(images).argmax(1) == model.predict(images).argmax(1)).all()


def test_all_but_few_validation_rows_are_accepted_and_other_things_are_not(model, streams):
    images, _ = pictures(streams[1])
    digits = model.reject(images)
    assert digits.score.dtype == np.float32 and digits.score.shape == (len(images),)
    assert (digits.rejected == (digits.score > 1)).all()
    assert 0 < digits.rejected.mean() < 0.015 + 1 / len(images)
    r = np.random.default_rng(0)
    noise = r.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    grey = [np.full((28, 28), value, np.uint8) for value in (90, 160, 255)]
    assert model.reject([*noise, *grey]).rejected.all()


def test_one_pass_answers_and_judges(model, streams, monkeypatch):
    images, _ = pictures(streams[1])
    images = [decode(one, (28, 28, 1)) for one in images[:40]]
    images = [*images, *np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)]
    with monkeypatch.context() as once:
        once.setattr(model, "_forward", lambda _: pytest.fail("a second pass"))
        outputs, judged = model.predict_and_reject(images)
    np.testing.assert_allclose(outputs, model.predict(images), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(judged.score, model.reject(images).score, rtol=1e-4)
    assert judged.rejected.any() and not judged.rejected.all()
    explainer = Explainer(model)
    assert [explainer.explain(one).rejected for one in images] == judged.rejected.tolist()


def test_drawings_are_judged_as_predict_sketch_sees_them(model, streams):
    images, _ = pictures(streams[1])
    inverted = [255 - np.asarray(image) for image in map(open_image, images[:40])]
    prepared = [sketch_to_input(drawing, (28, 28, 1)) for drawing in inverted]
    assert (model.reject_sketch(inverted).score == model.reject(prepared).score).all()
    assert (model.reject_sketch(inverted).score < model.reject(inverted).score).all()


def test_what_has_no_distance_is_rejected(model):
    distances = np.array([np.nan, np.inf, 0.0], np.float32)
    judged = model.ood_detector.judge(distances)
    assert judged.rejected.tolist() == [True, True, False] and np.isinf(judged.score).tolist() == [True, True, False]


def test_a_saved_model_judges_as_before(model, streams, tmp_path):
    images, _ = pictures(streams[1])
    model.save_pretrained(tmp_path)
    again = CnnModel.from_pretrained(tmp_path)
    assert (again.predict(images[:50]) == model.predict(images[:50])).all()
    assert (again.reject(images[:50]).score == model.reject(images[:50]).score).all()
    assert again.config == model.config


def test_nothing_to_judge_is_nothing(model):
    empty = model.reject([])
    assert empty.score.shape == empty.rejected.shape == (0,)


def test_a_model_without_a_score_says_so():
    with pytest.raises(TrazoError, match="without a rejection score"):
        CnnModel(CnnConfig(filters=(4,))).reject([np.zeros((28, 28), np.uint8)])
    outputs, judged = CnnModel(CnnConfig(filters=(4,))).predict_and_reject([np.zeros((28, 28), np.uint8)])
    assert outputs.shape == (1, 10) and judged is None


def test_a_config_that_promises_a_score_needs_its_tensors(tmp_path):
    CnnModel(CnnConfig(filters=(4,))).save_pretrained(tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"ood_threshold": null', '"ood_threshold": 3.0'))
    with pytest.raises(ModelError, match="ood/means|does not match config.json"):
        CnnModel.from_pretrained(tmp_path)


def test_a_class_without_rows_and_dense_layers_and_strides_are_taken(streams):
    labels = (*"0123456789", "ten")
    config = CnnConfig(labels=labels, filters=(4,), convolutions=1, pooling="stride", dense_units=(6,), scaling=SCALING)
    model = calibrate(config, build_network(config), *streams)
    images, _ = pictures(streams[1])
    assert model.ood_detector.means.shape == (11, 10)
    assert model.reject(images).rejected.mean() < 0.03


def test_a_regression_has_neither(streams):
    config = CnnConfig(labels=("x",), task="regression", filters=(4,))
    network = build_network(config)
    assert calibrate(config, network, *streams).network is network
    with pytest.raises(TrazoError, match="temperature"):
        CnnConfig(labels=("x",), task="regression", temperature=2.0)


@pytest.mark.parametrize(("rows", "distance"), [(1, 0.0), (5, 0.0), (1, 1e30), (1, np.inf), (1, np.nan)])
def test_rows_that_are_all_alike_give_no_score_and_no_trace(streams, monkeypatch, capsys, rows, distance):
    """Dead neurons, or one row a class: the differences from the class's mean are all 0."""
    config = CnnConfig(labels=streams[0].labels, filters=(2,), convolutions=1, dense_units=())
    features, labels = np.repeat(np.eye(10, 12, dtype=np.float32), rows, axis=0), np.repeat(np.arange(10), rows)
    scores = np.zeros((len(labels), 10), np.float32)
    monkeypatch.setattr(calibration, "_look", lambda *_: (scores, features, labels))
    monkeypatch.setattr(
        calibration.OODDetector, "distances", lambda self, rows: np.full(len(rows), distance, np.float32)
    )
    model = calibration.calibrate(config, build_network(config), *streams)
    assert model.config.ood_threshold is None and model.ood_detector is None
    assert capsys.readouterr().out.count("no rejection score") == 1


def test_features_are_kept_of_so_many_rows_and_no_more(streams, monkeypatch):
    monkeypatch.setattr(calibration, "ROWS", 100)
    config = CnnConfig(labels=streams[0].labels, filters=(2,), convolutions=1, dense_units=())
    run = calibration._compiled(config, build_network(config))
    scores, features, labels = calibration._look(run, config, streams[0], streams[0].ordered())
    assert len(features) == 100 < len(scores) == len(labels)


def test_a_feature_that_never_varies_does_not_end_the_training():
    features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    features[:, 2] = 0
    means, whitening = calibration._usual(features, np.arange(60) % 3, 3)
    assert np.isfinite(whitening).all() and means.shape == (3, 4)
    _, whitening = calibration._usual(np.ones((3, 4), np.float32), np.arange(3), 3)
    assert np.isfinite(whitening).all()
