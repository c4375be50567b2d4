"""Out-of-distribution detection: the Mahalanobis distance to the nearest class, and the confidence of a prediction."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from model.backend import keras, keras_defaults, tf
import numpy as np

from model.config import CnnConfig

MAX_EXPONENT = 80.0  # of a score, either way: exp of a larger one is infinite in float32


@dataclass(frozen=True)
class OODResult:
    """Which images the network should make no prediction for."""

    score: np.ndarray  # float32 (n,): 1 is the largest that is accepted; see `OODDetector.judge`
    rejected: np.ndarray  # bool (n,): score above 1


@dataclass(frozen=True)
class OODDetector:
    """Mahalanobis distance to the nearest class, in the space of the means of the feature maps of all blocks.

    Early blocks see strokes and textures, late ones digits; either may be unusual. A network that has learned to be
    undecided about outliers rejects by its confidence, too.

    Sources: Lee, Lee, Lee and Shin 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
    Adversarial Attacks"; Hendrycks, Mazeika and Dietterich 2019, "Deep Anomaly Detection with Outlier Exposure".
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
        return outputs.numpy(), self.judge(features.numpy(), outputs.numpy())

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return each row's distance to the nearest class: float32 (n, features) -> float32 (n,)."""
        white, centers = features @ self.whitening, self.means @ self.whitening
        squared = [((white - center) ** 2).sum(axis=1) for center in centers]
        return np.sqrt(np.min(squared, axis=0))

    def judge(self, features: np.ndarray, outputs: np.ndarray) -> OODResult:
        """Compare what the network makes of images with the thresholds in the config.

        Args:
            features: float32 (n, features), of `build_features`.
            outputs: float32 (n, units), the probabilities.

        Returns:
            The score is the distance as a share of the largest accepted one. With `min_confidence` it is the larger of
            two odds, both 1 at their threshold: of a density as of a Gaussian, and of the prediction being wrong.
        """
        distances, threshold = self.distances(features).astype(np.float64), self.config.ood_threshold
        assert threshold is not None  # it belongs to the detector's tensors
        score = (distances / threshold).astype(np.float32)
        if self.config.min_confidence:
            # Half the squared distance is, but for a constant, the negative logarithm of a Gaussian's density.
            beyond = np.maximum(
                log_odds_of_error(outputs) - log_odds_of_error(np.array([[self.config.min_confidence]])),
                (distances**2 - threshold**2) / 2,
            )
            score = np.exp(np.clip(beyond, -MAX_EXPONENT, MAX_EXPONENT)).astype(np.float32)
        score[np.isnan(score)] = np.inf  # features beyond float32's range resemble nothing that was learned
        return OODResult(score, score > 1)

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the tensors that are stored with the weights, float32 by name."""
        return dict(zip(self.config.extra_tensor_shapes, (self.means, self.whitening), strict=True))

    @classmethod
    def from_tensors(
        cls, network: keras.Model, config: CnnConfig, tensors: Mapping[str, np.ndarray]
    ) -> "OODDetector | None":
        """Return the detector of what `tensors` returned, among other tensors; None for a model without one."""
        found = [tensors[name] for name in config.extra_tensor_shapes]
        return cls(network, config, *found) if found else None


def log_odds_of_error(outputs: np.ndarray) -> np.ndarray:
    """Return the logarithm of the odds that a prediction is wrong, as its confidence says.

    Args:
        outputs: float (n, classes), the probabilities of a softmax.

    Returns:
        float64 (n,).

    Example:
        >>> log_odds_of_error(np.array([[0.5, 0.3, 0.2]]))
        array([0.])
    """
    confidence = outputs.max(axis=1).astype(np.float64)
    with np.errstate(divide="ignore"):  # of a certain one
        return np.log(np.maximum(1 - confidence, 0)) - np.log(confidence)


@keras_defaults()
def build_features(network: keras.Model, config: CnnConfig) -> keras.KerasTensor:
    """Return the features of a network's input, symbolically: float32 (n, features)."""
    maps = [keras.layers.GlobalAveragePooling2D()(network.get_layer(name).output) for name in config.block_outputs]
    dense = [network.get_layer(f"dense{n}_{config.activation}").output for n, _ in enumerate(config.dense_units, 1)]
    features = maps + dense
    return keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
