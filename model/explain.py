"""What a network has learned and why it predicts what it does: kernels, feature maps, sums and saliency, as arrays."""

from dataclasses import dataclass, field

from model.backend import keras, keras_defaults, tf
import numpy as np

from model.cnn import CnnModel, to_probabilities
from model.evidence import Evidence, collect_evidence
from model.ood import build_features
from model.stages import Stage, list_stages
from model.trace import Trace


@dataclass(frozen=True)
class Explanation:
    """What one image causes inside the network."""

    probabilities: np.ndarray  # float32 (labels,); for regression the number itself, (1,)
    feature_maps: dict[str, np.ndarray]  # name of a convolution -> float32 (height, width, filters), after activation
    saliency: np.ndarray  # float32 (height, width): see `Explainer.explain`
    rejected: bool  # as by `CnnModel.reject`; False for a model without a detector


@dataclass
class Explainer:
    """Explains the predictions of one model; made once, used for any number of images.

    Attributes:
        model: the model.
        stages: of its network, in order.
    """

    model: CnnModel
    stages: list[Stage] = field(init=False, repr=False)
    _forward: tf.types.experimental.PolymorphicFunction = field(init=False, repr=False)

    @keras_defaults()
    def __post_init__(self) -> None:
        """Prepare a function for the outputs of the inner layers."""
        network = self.model.network
        self.stages = list_stages(network)
        self._names = [stage.name for stage in self.stages if stage.kind == "convolution"]
        self._layers = [name for stage in self.stages for name in stage.layers]
        # Scores before the last activation: a confident softmax has no gradient left in float32.
        ends = [network.get_layer("output").input, network.output]
        features = build_features(network, self.model.config)
        inner = keras.Model(
            network.input, [*(network.get_layer(name).output for name in self._layers), features, *ends]
        )
        signature = [tf.TensorSpec((1, *self.model.config.image_shape), tf.float32), tf.TensorSpec((), tf.int32)]

        @tf.function(input_signature=signature, jit_compile=False)
        def forward(pixels: tf.Tensor, label: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(pixels)
                *inside, features, scores, outputs = inner(pixels, training=False)
                wanted = self._log_odds(scores[0], label)
            return inside, features, outputs, tape.gradient(wanted, pixels)

        self._forward = forward

    def kernels(self) -> dict[str, np.ndarray]:
        """Return the learned kernels: name of a convolution -> float32 (height, width, inputs, filters)."""
        return {name: self.model.network.get_layer(name).kernel.numpy() for name in self._names}

    def explain(self, pixels: np.ndarray, label: int | None = None) -> Explanation:
        """Return the prediction for an image, the feature maps on the way to it, and the saliency of each pixel.

        The saliency of a pixel is how much the log-odds of the label (for regression: the number before the last
        activation) would fall if that pixel became black, to first order: gradient times input (Shrikumar, Greenside,
        Shcherbina and Kundaje 2016, "Not Just a Black Box"), summed over the channels. It is an estimate: positive
        values show which pixels the answer rests on, but negative ones are no evidence against it. The exact evidence
        is that of `model.evidence`.

        Args:
            pixels: uint8 or float32 of the network's `image_shape`, 0 … 255.
            label: id of the label to explain; None for the predicted one. Ignored for regression.

        Raises:
            ValueError: if the shape is not the network's, a pixel is not a finite number, or the label does not exist.
        """
        config = self.model.config
        if label is not None and label not in range(len(config.labels)):  # 1.5 and "3" are not
            raise ValueError(f"unknown label {label!r}; labels are 0 … {len(config.labels) - 1}")
        batch = self._to_batch(pixels)
        inside, features, outputs, gradient = self._forward(batch, np.int32(-1 if label is None else label))
        layers = dict(zip(self._layers, inside, strict=True))
        maps = {one.name: layers[one.layers[-1]].numpy()[0] for one in self.stages if one.kind == "convolution"}
        prediction = to_probabilities(outputs.numpy(), config.task)[0]
        detector = self.model.ood_detector
        rejected = detector is not None and bool(detector.judge(features.numpy(), outputs.numpy()).rejected[0])
        return Explanation(prediction, maps, (gradient.numpy()[0] * batch[0]).sum(axis=-1), rejected)

    def trace(self, pixels: np.ndarray) -> Trace:
        """Return how each value inside the network comes about for an image.

        Args:
            pixels: as `explain` takes them.

        Raises:
            ValueError: if the shape is not the network's, or a pixel is not a finite number.

        Example:
            >>> trace = Explainer(cnn).trace(pixels)
            >>> conv = trace.stage("block1_conv1")
            >>> trace.terms(conv, unit=3, y=10, x=12).sums.sum() + trace.bias(conv, unit=3)  # Keras' sum there
        """
        batch = self._to_batch(pixels)
        inside, *_ = self._forward(batch, np.int32(-1))
        outputs = {name: output.numpy()[0] for name, output in zip(self._layers, inside, strict=True)}
        return Trace(self.model.network, self.stages, batch[0], outputs)

    def evidence(self, trace: Trace) -> Evidence:
        """Return what the scores of a traced image are made of."""
        return collect_evidence(trace, self.model.config)

    def _to_batch(self, pixels: np.ndarray) -> np.ndarray:
        shape = self.model.config.image_shape
        if np.shape(pixels) != shape:
            raise ValueError(f"the network takes images of shape {shape}, not {np.shape(pixels)}")
        batch = np.asarray(pixels, np.float32)[None]
        if not np.isfinite(batch).all():
            raise ValueError("the image has pixels that are not finite numbers")
        return batch

    def _log_odds(self, scores: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        task = self.model.config.task
        if task == "regression":
            return scores[0] * self.model.config.target_offset_and_scale[1]  # in the target's unit
        if task == "binary":
            return tf.where((label == 1) | ((label < 0) & (scores[0] > 0)), scores[0], -scores[0])
        chosen = tf.where(label < 0, tf.argmax(scores, output_type=tf.int32), label)
        others = tf.where(tf.range(tf.size(scores)) == chosen, -np.inf, scores)
        return scores[chosen] - tf.reduce_logsumexp(others)
