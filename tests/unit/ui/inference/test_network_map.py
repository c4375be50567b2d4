"""What the map of the network shows: small answers, whose parts add up to what Keras computed."""

import base64
import json

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.explain import Explainer
from model.target_scaling import TargetScaling
from ui.i18n import UserError
from ui.inference import network_map

MAX_ANSWER_BYTES = 60_000
LARGE = CnnConfig(
    labels=tuple(f"class {number}" for number in range(300)),
    image_shape=(224, 224, 3),
    filters=(64, 96),
    convolutions=1,
    dense_units=(32,),
)


@pytest.fixture(scope="module", params=["bundled", "large"])
def explainer(request) -> Explainer:
    return Explainer(CnnModel.from_pretrained() if request.param == "bundled" else CnnModel(LARGE))


@pytest.fixture(scope="module")
def pixels(explainer) -> np.ndarray:
    height, width, channels = explainer.model.config.image_shape
    image = np.zeros((height, width, channels), np.uint8)
    image[height // 5 : height // 4, width // 4 : -width // 4] = 255
    image[height // 5 : -height // 5, width // 2 : width // 2 + width // 9] = 230
    return image


def size_of(answer: dict) -> int:
    return len(json.dumps(answer))


def numbers(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(float)


def test_open_map_lists_every_stage_with_its_parameters(explainer, pixels):
    answer = network_map.open_map(explainer, pixels)
    assert size_of(answer) <= MAX_ANSWER_BYTES
    assert sum(stage["parameters"] for stage in answer["stages"]) == answer["parameters"]
    assert answer["parameters"] == explainer.model.network.count_params()
    best = answer["classes"]["rows"][0]
    predicted = explainer.model.predict([pixels])[0]
    assert best["id"] == predicted.argmax() and best["probability"] == pytest.approx(predicted.max(), rel=1e-4)


def test_show_stage_reaches_every_map_within_the_size(explainer, pixels):
    for stage in explainer.stages:
        answer = network_map.show_stage(explainer, pixels, stage.name, 0)
        assert size_of(answer) <= MAX_ANSWER_BYTES and answer["count"] == stage.shape[2]
        last = network_map.show_stage(explainer, pixels, stage.name, stage.shape[2] - 1)
        assert last["first"] + len(last["maps"]["low"]) == stage.shape[2]


def test_show_stage_counts_maps_without_response(explainer, pixels):
    trace = explainer.trace(pixels)
    for stage in explainer.stages:
        if stage.kind == "convolution":
            maps = trace.maps(stage).reshape(-1, stage.shape[2])
            silent = sum(len(set(one)) == 1 for one in maps.T.tolist())
            assert network_map.show_stage(explainer, pixels, stage.name, 0)["silent"] == silent


def test_show_value_parts_add_up_to_the_sum_of_keras(explainer, pixels):
    trace = explainer.trace(pixels)
    for stage in explainer.stages:
        answer = network_map.show_value(explainer, pixels, stage.name, stage.shape[2] - 1, None)
        assert size_of(answer) <= MAX_ANSWER_BYTES
        y, x, unit = answer["y"], answer["x"], answer["unit"]
        assert answer["value"] == pytest.approx(trace.maps(stage)[y, x, unit], rel=1e-6)
        if not stage.is_weighted:
            continue
        products = (numbers(answer["values"]) * numbers(answer["weights"])).sum()
        total = products + answer["rest"] + answer["bias"]
        assert total == pytest.approx(trace.steps(stage)[0][y, x, unit], rel=1e-4, abs=1e-4)
        assert answer["first"] == pytest.approx(total, rel=1e-4, abs=1e-4)


def test_show_value_of_a_pooling_and_of_the_scaling(pixels, explainer):
    trace = explainer.trace(pixels)
    pool = next(stage for stage in explainer.stages if stage.kind == "max")
    answer = network_map.show_value(explainer, pixels, pool.name, 1, (2, 3))
    values = numbers(answer["values"]).reshape(2, 2)
    assert values[tuple(answer["winner"])] == values.max() == pytest.approx(answer["value"])
    assert answer["window"] == [4, 6, 2, 2]
    answer = network_map.show_value(explainer, pixels, "scaling", 0, (1, 2))
    scaled = (answer["pixel"] - answer["offset"]) / answer["scale"]
    assert scaled == pytest.approx(trace.maps(explainer.stages[0])[1, 2, 0], rel=1e-5)


def test_map_of_a_backbone_shows_additions_and_joined_features():
    config = CnnConfig(backbone="efficientnet_lite0", filters=(), dense_units=(), image_shape=(64, 64, 3))
    explainer = Explainer(CnnModel(config))
    pixels = np.random.default_rng(0).integers(0, 256, config.image_shape, np.uint8)
    trace, answer = explainer.trace(pixels), network_map.open_map(explainer, pixels)
    assert size_of(answer) <= MAX_ANSWER_BYTES
    assert {"depthwise", "add", "join"} <= {stage["kind"] for stage in answer["stages"]}
    assert sum(stage["parameters"] for stage in answer["stages"]) == explainer.model.network.count_params()
    for stage in explainer.stages:
        if stage.kind in ("add", "join"):
            answer = network_map.show_value(explainer, pixels, stage.name, stage.shape[2] - 1, None)
            assert size_of(answer) <= MAX_ANSWER_BYTES
            assert sum(one["value"] for one in answer["summands"]) == pytest.approx(answer["value"], rel=1e-4, abs=1e-5)
            for one in answer["summands"]:
                y, x = answer["y"], answer["x"]
                assert one["value"] == pytest.approx(trace.maps(trace.stage(one["stage"]))[y, x, one["unit"]], rel=1e-5)
    evidence = network_map.show_evidence(explainer, pixels, None, None)
    places = numbers(evidence["places"]["values"])
    assert (evidence["places"]["height"], evidence["placesStage"]) == (32, "blocks.0.0.conv_pw")
    assert places.sum() + evidence["bias"] == pytest.approx(evidence["score"], rel=1e-4, abs=1e-4)


def test_show_evidence_adds_up_for_one_class_and_for_two(explainer, pixels):
    predicted = explainer.model.predict([pixels])[0]
    for label, other in ((None, None), (1, None), (7, 1)):
        answer = network_map.show_evidence(explainer, pixels, label, other)
        assert size_of(answer) <= MAX_ANSWER_BYTES
        parts = sum(one["part"] for one in answer["features"]) + answer["rest"] + answer["bias"]
        assert parts == pytest.approx(answer["score"], rel=1e-4, abs=1e-4)
        for one in answer["features"]:
            assert one["value"] * one["weight"] == pytest.approx(one["part"], rel=1e-4, abs=1e-6)
        if answer["places"]:
            places = numbers(answer["places"]["values"]).sum()
            assert places + answer["bias"] == pytest.approx(answer["score"], rel=1e-4, abs=1e-4)
        assert (answer["places"] is None) == bool(explainer.model.config.dense_units)
        for row in answer["classes"]["rows"]:
            assert row["probability"] == pytest.approx(predicted[row["id"]], rel=1e-3, abs=1e-6)
            assert row["power"] / answer["classes"]["powers"] == pytest.approx(row["probability"], rel=1e-4, abs=1e-9)
        shown = [row["id"] for row in answer["classes"]["rows"]]
        assert answer["label"] in shown and (other is None or other in shown)
    assert network_map.show_evidence(explainer, pixels, None, None)["label"] == predicted.argmax()


def test_show_evidence_regression_reaches_the_number():
    config = CnnConfig(
        labels=("age",),
        task="regression",
        filters=(4,),
        convolutions=1,
        dense_units=(),
        target_scaling=TargetScaling(30.0, 12.0),
    )
    explainer = Explainer(CnnModel(config))
    image = np.random.default_rng(0).integers(0, 256, config.image_shape, np.uint8)
    answer = network_map.show_evidence(explainer, image, None, None)
    target = answer["target"]
    number = answer["score"] * target["scale"] + target["offset"]
    assert target["name"] == "age" and answer["classes"] is None
    assert number == pytest.approx(explainer.model.predict([image])[0][0], rel=1e-4)


@pytest.mark.parametrize(
    "ask",
    [
        lambda explainer, pixels: network_map.show_stage(explainer, pixels, "head/kernel", 0),
        lambda explainer, pixels: network_map.show_value(explainer, pixels, "output", 0, None),
        lambda explainer, pixels: network_map.show_value(explainer, pixels, "block1_conv1", 9999, None),
        lambda explainer, pixels: network_map.show_value(explainer, pixels, "block1_conv1", 0, (0, 9999)),
        lambda explainer, pixels: network_map.show_evidence(explainer, pixels, 9999, None),
        lambda explainer, pixels: network_map.show_evidence(explainer, pixels, 1, 9999),
        lambda explainer, pixels: network_map.show_evidence(explainer, pixels, 1, 1),
    ],
)
def test_question_about_what_does_not_exist_is_refused(explainer, pixels, ask):
    with pytest.raises(UserError):
        ask(explainer, pixels)
