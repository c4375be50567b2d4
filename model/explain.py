"""What a network has learned and why it predicts what it does: kernels, feature maps and saliency, as arrays."""

from dataclasses import dataclass, field

from model.backend import keras, keras_defaults, tf
import numpy as np

from model.cnn import CnnModel, to_probabilities
from model.ood import build_features


@dataclass(frozen=True)
class Explanation:
    """What one image causes inside the network."""

    probabilities: np.ndarray  # float32 (labels,); for regression the number itself, (1,)
    feature_maps: dict[str, np.ndarray]  # name of a convolution -> float32 (height, width, filters), after activation
    saliency: np.ndarray  # float32 (height, width): see `Explainer.explain`
    rejected: bool  # as by `CnnModel.reject`; False for a model without a detector


@dataclass
class Explainer:
    """Explains the predictions of one model; made once, used for any number of images."""

    model: CnnModel
    _forward: tf.types.experimental.PolymorphicFunction = field(init=False, repr=False)

    @keras_defaults()
    def __post_init__(self) -> None:
        """Prepare a function for the outputs of the inner layers."""
        network = self.model.network
        self._names = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
        # Scores before the last activation: a confident softmax has no gradient left in float32.
        ends = [network.get_layer("output").input, network.output]
        features = build_features(network, self.model.config)
        inner = keras.Model(network.input, [*self._activations(network), features, *ends])
        signature = [tf.TensorSpec((1, *self.model.config.image_shape), tf.float32), tf.TensorSpec((), tf.int32)]

        @tf.function(input_signature=signature, jit_compile=False)
        def forward(pixels: tf.Tensor, label: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(pixels)
                *maps, features, scores, outputs = inner(pixels, training=False)
                wanted = self._log_odds(scores[0], label)
            return maps, features, outputs, tape.gradient(wanted, pixels)

        self._forward = forward

    def kernels(self) -> dict[str, np.ndarray]:
        """Return the learned kernels: name of a convolution -> float32 (height, width, inputs, filters)."""
        return {name: self.model.network.get_layer(name).kernel.numpy() for name in self._names}

    def explain(self, pixels: np.ndarray, label: int | None = None) -> Explanation:
        """Return the prediction for an image, the feature maps on the way to it, and the saliency of each pixel.

        The saliency of a pixel is how much the log-odds of the label (for regression: the number before the last
        activation) would fall if that pixel became black, to first order: gradient times input (Shrikumar, Greenside,
        Shcherbina and Kundaje 2016, "Not Just a Black Box"), summed over the channels. Positive pixels speak for the
        label, negative ones against it.

        Args:
            pixels: uint8 or float32 of the network's `image_shape`, 0 … 255.
            label: id of the label to explain; None for the predicted one. Ignored for regression.

        Raises:
            ValueError: if the shape is not the network's, a pixel is not a finite number, or the label does not exist.
        """
        config = self.model.config
        if np.shape(pixels) != config.image_shape:
            raise ValueError(f"the network takes images of shape {config.image_shape}, not {np.shape(pixels)}")
        if label is not None and label not in range(len(config.labels)):  # 1.5 and "3" are not
            raise ValueError(f"unknown label {label!r}; labels are 0 … {len(config.labels) - 1}")
        batch = np.asarray(pixels, np.float32)[None]
        if not np.isfinite(batch).all():
            raise ValueError("the image has pixels that are not finite numbers")
        maps, features, outputs, gradient = self._forward(batch, np.int32(-1 if label is None else label))
        named = {name: value.numpy()[0] for name, value in zip(self._names, maps, strict=True)}
        prediction = to_probabilities(outputs.numpy(), config.task)[0]
        detector = self.model.ood_detector
        rejected = detector is not None and bool(detector.score(detector.distances(features.numpy())).rejected[0])
        return Explanation(prediction, named, (gradient.numpy()[0] * batch[0]).sum(axis=-1), rejected)

    def _log_odds(self, scores: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        task = self.model.config.task
        if task == "regression":
            return scores[0] * self.model.config.target_offset_and_scale[1]  # in the target's unit
        if task == "binary":
            return tf.where((label == 1) | ((label < 0) & (scores[0] > 0)), scores[0], -scores[0])
        chosen = tf.where(label < 0, tf.argmax(scores, output_type=tf.int32), label)
        others = tf.where(tf.range(tf.size(scores)) == chosen, -np.inf, scores)
        return scores[chosen] - tf.reduce_logsumexp(others)

    def _activations(self, network: keras.Model) -> list[keras.KerasTensor]:
        """Return each convolution's output after its activation, which `build_network` names after it."""
        return [network.get_layer(f"{name}_{self.model.config.activation}").output for name in self._names]
