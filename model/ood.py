"""Out-of-distribution detection: the Mahalanobis distance to the nearest class, and a classifier of outliers."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property

from model.backend import keras, keras_defaults, tf
import numpy as np

from model.config import CnnConfig

MAX_EXPONENT = 80.0  # of a score, either way: exp of a larger one is infinite in float32


@dataclass(frozen=True)
class OODResult:
    """Which images the network should make no prediction for."""

    score: np.ndarray  # float32 (n,): distance to the nearest class, or odds of an outlier; 1 is the largest accepted
    rejected: np.ndarray  # bool (n,): score above 1


@dataclass(frozen=True)
class OutlierClassifier:
    """Tells what was learned from outliers, by one hidden layer on the means and maxima of the feature maps.

    A corner in a single place changes the maximum of a map, and hardly its mean.
    Source: Hendrycks, Mazeika and Dietterich 2019, "Deep Anomaly Detection with Outlier Exposure".
    """

    hidden_kernel: np.ndarray  # float32 (detailed features, units)
    hidden_bias: np.ndarray  # float32 (units,)
    kernel: np.ndarray  # float32 (units, 1)
    bias: np.ndarray  # float32 (1,)

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Return the logarithm of the odds that each row is an outlier: detailed features -> float32 (n,)."""
        hidden = np.maximum(features @ self.hidden_kernel + self.hidden_bias, 0)
        return (hidden @ self.kernel + self.bias)[:, 0]


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
    classifier: OutlierClassifier | None = None  # None if the training had no outliers

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
        return outputs.numpy(), self.judge(features.numpy())

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return each row's distance to the nearest class: float32 (n, features) -> float32 (n,).

        Detailed features begin with the features, and the rest of them does not count.
        """
        white, centers = features[:, : len(self.whitening)] @ self.whitening, self.means @ self.whitening
        squared = [((white - center) ** 2).sum(axis=1) for center in centers]
        return np.sqrt(np.min(squared, axis=0))

    def judge(self, features: np.ndarray) -> OODResult:
        """Compare what features, float32 (n, features), say with the thresholds in the config.

        They are detailed if there is a classifier.
        """
        distances, threshold = self.distances(features).astype(np.float64), self.config.ood_threshold
        assert threshold is not None  # it belongs to the detector's tensors
        score = (distances / threshold).astype(np.float32)
        if self.classifier:
            # Half the squared distance is, but for a constant, the negative logarithm of a Gaussian's density.
            beyond = np.maximum(
                self.classifier.log_odds(features) - self.config.outlier_log_odds, (distances**2 - threshold**2) / 2
            )
            score = np.exp(np.clip(beyond, -MAX_EXPONENT, MAX_EXPONENT)).astype(np.float32)
        score[np.isnan(score)] = np.inf  # features beyond float32's range resemble nothing that was learned
        return OODResult(score, score > 1)

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the tensors that are stored with the weights, float32 by name."""
        tensors = (self.means, self.whitening, *(astuple(self.classifier) if self.classifier else ()))
        return dict(zip(self.config.extra_tensor_shapes, tensors, strict=True))

    @classmethod
    def from_tensors(
        cls, network: keras.Model, config: CnnConfig, tensors: Mapping[str, np.ndarray]
    ) -> "OODDetector | None":
        """Return the detector of what `tensors` returned, among other tensors; None for a model without one."""
        found = [tensors[name] for name in config.extra_tensor_shapes]
        if not found:
            return None
        means, whitening, *of_classifier = found
        return cls(network, config, means, whitening, OutlierClassifier(*of_classifier) if of_classifier else None)


@keras_defaults()
def build_features(network: keras.Model, config: CnnConfig, detailed: bool | None = None) -> keras.KerasTensor:
    """Return the features of a network's input, symbolically: float32 (n, features).

    Args:
        network: the network.
        config: of the network.
        detailed: add the maximum of each feature map; None if the config has a classifier that needs them.
    """
    maps = [network.get_layer(name).output for name in config.block_outputs]
    dense = [network.get_layer(f"dense{n}_{config.activation}").output for n, _ in enumerate(config.dense_units, 1)]
    features = [keras.layers.GlobalAveragePooling2D()(one) for one in maps] + dense
    if bool(config.outlier_units) if detailed is None else detailed:
        features += [keras.layers.GlobalMaxPooling2D()(one) for one in maps]
    return keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
