"""Out-of-distribution detection: the Mahalanobis distance to the nearest class."""

from dataclasses import dataclass
from functools import cached_property

from model.backend import keras, keras_defaults, tf
import numpy as np

from model.config import CnnConfig


@dataclass(frozen=True)
class OODResult:
    """Which images the network should make no prediction for."""

    score: np.ndarray  # float32 (n,): distance to the nearest class, divided by the largest accepted one
    rejected: np.ndarray  # bool (n,): score above 1


@dataclass(frozen=True)
class OODDetector:
    """Mahalanobis distance to the nearest class, in the space of the means of the feature maps of all blocks.

    Source: Lee, Lee, Lee and Shin 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
    Adversarial Attacks". Early blocks see strokes and textures, late ones digits; either may be unusual.
    """

    network: keras.Model
    config: CnnConfig
    means: np.ndarray  # float32 (labels, features)
    whitening: np.ndarray  # float32 (features, features): makes the features within a class uncorrelated

    @cached_property
    @keras_defaults()
    def _outputs_and_features(self) -> tf.types.experimental.ConcreteFunction:
        # Built on first use, so that predictions alone need not wait for it.
        inner = keras.Model(self.network.input, [self.network.output, build_features(self.network, self.config)])
        signature = [tf.TensorSpec((None, *self.config.image_shape), tf.float32)]
        forward = tf.function(lambda pixels: inner(pixels, training=False), signature, jit_compile=False)
        # A call through `forward` would first check all of the network's weights, which takes as long as a convolution.
        return forward.get_concrete_function()

    def predict(self, pixels: np.ndarray) -> tuple[np.ndarray, OODResult]:
        """Return the network's outputs for images, and which images are out of distribution, from one pass.

        Args:
            pixels: float32 (n, h, w, c) of the network's shape, 0 … 255.

        Returns:
            float32 (n, units), and the result for each image.
        """
        outputs, features = self._outputs_and_features(tf.constant(pixels))
        return outputs.numpy(), self.score(self.distances(features.numpy()))

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return each row's distance to the nearest class: float32 (n, features) -> float32 (n,)."""
        white, centers = features @ self.whitening, self.means @ self.whitening
        squared = [((white - center) ** 2).sum(axis=1) for center in centers]
        return np.sqrt(np.min(squared, axis=0))

    def score(self, distances: np.ndarray) -> OODResult:
        """Compare distances, float32 (n,), with the config's threshold."""
        score = (distances / self.config.ood_threshold).astype(np.float32)
        score[np.isnan(score)] = np.inf  # features beyond float32's range resemble nothing that was learned
        return OODResult(score, score > 1)

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the tensors that are stored with the weights, float32 by name."""
        return dict(zip(self.config.extra_tensor_shapes, (self.means, self.whitening), strict=True))


@keras_defaults()
def build_features(network: keras.Model, config: CnnConfig) -> keras.KerasTensor:
    """Return the features of a network's input, symbolically: float32 (n, features)."""
    maps = [network.get_layer(name).output for name in config.block_outputs]
    dense = [network.get_layer(f"dense{n}_{config.activation}").output for n, _ in enumerate(config.dense_units, 1)]
    features = [keras.layers.GlobalAveragePooling2D()(one) for one in maps] + dense
    return keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
