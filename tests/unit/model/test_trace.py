"""Each value inside a network is the sum of products that `Trace` says, in every form of network."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.explain import Explainer
from model.scaling import Scaling
from model.stages import list_stages
from model.target_scaling import TargetScaling
from model.trace import MAX_WINDOW_SIDE, Trace

BASE = CnnConfig(
    filters=(3, 5),
    convolutions=(2, 1),
    image_shape=(13, 10, 1),
    dense_units=(),
    scaling=Scaling("z-score", (33.0,), (78.0,)),
)
LARGE = {"filters": (), "convolutions": 2, "image_shape": (45, 38, 3)}
NETWORKS = {
    "batch": BASE,
    "layer": replace(BASE, normalization="layer", activation="gelu"),
    "bias": replace(BASE, normalization="none", activation="prelu"),
    "stride": replace(BASE, pooling="stride", activation="leaky_relu"),
    "average": replace(BASE, pooling="average", activation="tanh"),
    "even kernel": replace(BASE, kernel_size=4, pooling="stride"),
    "residual": replace(BASE, blocks="residual", stem_filters=2, convolutions=(1, 3), filters=(4, 4)),
    "residual, ends with a pooling": replace(BASE, blocks="residual", convolutions=1, pooling="average"),
    "depthwise": replace(
        BASE, **LARGE, backbone="efficientnet_lite0", labels=("cat", "dog"), task="binary", loss=""),
    "large pooling": replace(BASE, **LARGE, backbone="resnet18"),
    "dense": replace(BASE, dense_units=(7, 6), dense_dropout=0.5, dropout=0.3),
    "large dense": replace(BASE, image_shape=(26, 26, 1), filters=(3,), convolutions=1, dense_units=(4,)),
    "color": replace(
        BASE, image_shape=(9, 9, 3), labels=("cat", "dog"), task="binary", loss="",
        scaling=Scaling("min-max", (1.0, 2.0, 3.0), (250.0, 251.0, 252.0)),
    ),
    "regression": replace(
        BASE, labels=("age",), task="regression", loss="mse", dense_units=(4,), target_scaling=TargetScaling(30.0, 12.0)
    ),
}  # fmt: skip

NORMALIZATIONS = (keras.layers.BatchNormalization, keras.layers.LayerNormalization)


@pytest.fixture(scope="module", params=NETWORKS.values(), ids=NETWORKS)
def explainer(request) -> Explainer:
    """A network with random weights, biases and averages: fresh ones are zeros and ones."""
    model = CnnModel(request.param)
    random = np.random.default_rng(0)
    for weight in model.network.weights:
        spread = random.uniform(0.2, 1, weight.shape)
        if request.param.backbone and weight.name == "kernel":
            spread /= np.sqrt(np.prod(weight.shape[:-1]))  # so that the values of many layers stay small
        weight.assign(spread if "variance" in weight.path else spread * random.choice([-1, 1], weight.shape))
    return Explainer(model)


@pytest.fixture(scope="module")
def trace(explainer) -> Trace:
    pixels = np.random.default_rng(1).integers(0, 256, explainer.model.config.image_shape)
    return explainer.trace(pixels)


def places(shape: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """Return (unit, row, column) of the corners and the middle of a stage's first and last map."""
    height, width, units = shape
    sides = {(0, 0), (height - 1, width - 1), (0, width - 1), (height // 2, width // 2)}
    return [(unit, y, x) for unit in {0, units - 1} for y, x in sorted(sides)]


def test_stages_have_all_parameters_and_follow_each_other(explainer):
    network = explainer.model.network
    stages = list_stages(network)
    assert sum(stage.parameters for stage in stages) == network.count_params()
    assert stages[0].kind == "scaling" and stages[-1].name == "head"
    listed = {name for stage in stages for name in stage.layers}
    left_out = {layer.name for layer in network.layers if layer.name not in listed}
    assert all(
        name in ("pixels", "flatten", "temperature", "output", "target") or name.endswith(("_dropout", ".pad"))
        for name in left_out
    )


def test_terms_add_up_to_keras_sums(trace):
    for stage in trace.stages:
        if not stage.is_weighted:
            continue
        sums = trace.steps(stage)[0]
        for unit, y, x in places(stage.shape):
            terms = trace.terms(stage, unit, y, x)
            total = terms.sums.sum() + trace.bias(stage, unit)
            np.testing.assert_allclose(total, sums[y, x, unit], rtol=1e-4, atol=1e-4)
            ordered = terms.strongest_first()
            np.testing.assert_allclose(ordered.sums.sum(), terms.sums.sum())
            assert (np.diff(np.abs(ordered.sums)) <= 0).all() and len(ordered.first(2).sums) <= 2
            assert max(terms.values.shape[1:]) <= MAX_WINDOW_SIDE


def test_terms_values_stand_where_they_say(trace):
    for stage in trace.stages:
        if not stage.is_weighted:
            continue
        source = trace.maps(trace.source(stage))
        for unit, y, x in places(stage.shape):
            terms = trace.terms(stage, unit, y, x)
            for place, values in enumerate(terms.values):
                for (row, column), value in np.ndenumerate(values):
                    at = terms.top[place] + row, terms.left[place] + column
                    inside = 0 <= at[0] < source.shape[0] and 0 <= at[1] < source.shape[1]
                    assert value == (source[(*at, terms.maps[place])] if inside else 0)


def test_normalization_and_activation_lead_from_the_sum_to_the_map(trace, explainer):
    config = explainer.model.config
    for stage in trace.stages:
        for unit, y, x in places(stage.shape) if len(stage.layers) > 1 else ():
            *_, value = steps = [one[y, x, unit] for one in trace.steps(stage)]
            normalized = steps[0]
            if n := trace.normalization(stage, unit, y, x):
                normalized = (steps[0] - n.mean) / np.sqrt(n.variance + n.epsilon) * n.gamma + n.beta
                np.testing.assert_allclose(normalized, steps[1], rtol=1e-3, atol=1e-3)
            layers = [explainer.model.network.get_layer(name) for name in stage.layers]
            assert bool(n) == any(isinstance(layer, NORMALIZATIONS) for layer in layers)
            if (slope := trace.slope(stage, unit)) is not None:
                np.testing.assert_allclose(normalized * (slope if normalized < 0 else 1), value, rtol=1e-3, atol=1e-3)
            assert (slope is None) == (config.activation not in ("prelu", "leaky_relu"))


def test_contributions_of_all_inputs_add_up_to_the_sums(trace):
    few = trace.stages[:: 1 + len(trace.stages) // 12]  # of a large network
    for stage in few:
        if not stage.is_weighted:
            continue
        unit = stage.shape[2] - 1
        parts = sum(trace.contribution(stage, unit, one).astype(np.float64) for one in trace.inputs(stage, unit))
        sums = trace.steps(stage)[0][..., unit] - trace.bias(stage, unit)
        if stage.kind == "dense":
            parts = parts.sum(keepdims=True)
        np.testing.assert_allclose(parts, sums, rtol=1e-3, atol=1e-3)


def test_window_of_a_pooling_holds_its_maximum_or_mean(trace):
    for stage in trace.stages:
        if stage.kind not in ("max", "average", "mean", "scaling"):
            continue
        for unit, y, x in places(stage.shape):
            values = trace.windowed(stage, y, x)[..., unit]
            value = trace.steps(stage)[0][y, x, unit]
            if stage.kind == "scaling":
                continue
            expected = values.max() if stage.kind == "max" else values.mean()
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


def test_addition_adds_the_maps_of_its_stages(trace):
    for stage in trace.stages:
        if stage.kind == "join":
            for unit in (0, stage.shape[2] - 1):
                source, number = trace.joined(stage, unit)
                assert trace.maps(source)[0, 0, number] == trace.maps(stage)[0, 0, unit]
            assert len(stage.sources) > 1
            continue
        assert len(stage.sources) == {"add": 2, "scaling": 0}.get(stage.kind, 1)
        if stage.kind == "add":
            summed = sum(trace.maps(trace.stage(name)) for name in stage.sources)
            np.testing.assert_allclose(trace.steps(stage)[0], summed, rtol=1e-5, atol=1e-5)


def test_strongest_place_is_the_farthest_from_zero(trace):
    for stage in trace.stages:
        y, x = trace.strongest_place(stage, 0)
        assert abs(trace.maps(stage)[y, x, 0]) == np.abs(trace.maps(stage)[..., 0]).max()


def test_stage_unknown_name_is_refused(trace):
    with pytest.raises(ValueError, match="unknown stage 'head/kernel'; there are scaling, "):
        trace.stage("head/kernel")


# --- Evidence ---


def scores_of(explainer: Explainer, trace: Trace) -> np.ndarray:
    """Return Keras' scores, before temperature and activation; of two classes with one score also the first's 0."""
    scores = trace.maps(trace.stage("head")).reshape(-1)
    return np.array([0, *scores]) if explainer.model.config.task == "binary" else scores


def test_evidence_adds_up_to_every_score(explainer, trace):
    evidence, scores = explainer.evidence(trace), scores_of(explainer, trace)
    np.testing.assert_allclose(evidence.scores, scores, rtol=1e-4, atol=1e-4)
    for label, score in enumerate(scores):
        np.testing.assert_allclose(evidence.by_feature(label).sum() + evidence.bias[label], score, rtol=1e-4, atol=1e-4)
        places = evidence.by_place(label)
        assert (places is None) == bool(explainer.model.config.dense_units)
        if places is not None:
            assert places.shape == evidence.grid().stage.shape[:2]
            for most in (None, 30):
                places = evidence.by_place(label, most)
                assert most is None or places.size <= most or len(evidence.places) == 1
                np.testing.assert_allclose(places.sum() + evidence.bias[label], score, rtol=1e-4, atol=1e-4)


def test_evidence_scores_give_the_predicted_probabilities(explainer, trace):
    config = explainer.model.config
    scores = explainer.evidence(trace).scores
    (predicted,) = explainer.model.predict([trace.pixels.astype(np.uint8)])
    if config.task == "regression":
        offset, scale = config.target_offset_and_scale
        np.testing.assert_allclose(scores * scale + offset, predicted, rtol=1e-4)
        return
    powers = np.exp((scores - scores.max()) / config.temperature)
    np.testing.assert_allclose(powers / powers.sum(), predicted, rtol=1e-3, atol=1e-5)


def test_evidence_of_a_maximum_lies_where_it_was():
    """A network that only looks: one filter that copies the image, one class that weighs it with 4."""
    keras.utils.set_random_seed(0)
    config = CnnConfig(filters=(1,), convolutions=1, image_shape=(4, 4, 1), normalization="none", dense_units=())
    model = CnnModel(config)
    copy = np.zeros((3, 3, 1, 1), np.float32)
    copy[1, 1] = 1
    model.network.get_layer("block1_conv1").kernel.assign(copy)
    model.network.get_layer("head").kernel.assign(np.eye(10)[:1] * 4)
    explainer = Explainer(model)
    image = np.zeros((4, 4, 1), np.uint8)
    image[3, 2], image[2, 3] = 200, 100
    found = explainer.evidence(explainer.trace(image)).by_place(0)
    expected = np.zeros((4, 4))
    expected[3, 2] = 200  # 4 × 200 / 4 windows; the 100 in the same window lost
    np.testing.assert_allclose(found, expected, atol=1e-5)
