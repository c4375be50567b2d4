"""How unlike the training's pictures a picture is: what the network has never seen it should not answer."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from model.config import CnnConfig


@dataclass(frozen=True)
class OODResult:
    """Which pictures should not be answered."""

    score: np.ndarray  # float32 (n,): distance from what was learned, as a share of the largest that is accepted
    rejected: np.ndarray  # bool (n,): score above 1


@dataclass(frozen=True)
class OODDetector:
    """Mahalanobis distance to the nearest class, in the space of the means of the feature maps of all blocks.

    Source: Lee, Lee, Lee and Shin 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
    Adversarial Attacks". Early blocks see strokes and textures, late ones digits; both may be strange.
    """

    network: keras.Model
    config: CnnConfig
    means: np.ndarray  # float32 (labels, features)
    whitening: np.ndarray  # float32 (features, features), which makes the features within a class uncorrelated

    @cached_property
    def _outputs_and_features(self) -> tf.types.experimental.ConcreteFunction:
        # Made when it is first asked for: who only predicts does not wait for it.
        inner = keras.Model(self.network.input, [self.network.output, features_of(self.network, self.config)])
        signature = [tf.TensorSpec((None, *self.config.image_shape), tf.float32)]
        forward = tf.function(lambda pixels: inner(pixels, training=False), signature, jit_compile=False)
        # Called through `forward`, it would look at all of the network's weights first, for as long as a convolution.
        return forward.get_concrete_function()

    def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, OODResult]:
        """Return the network's outputs for pictures, and which it should not answer, from one pass through it.

        Args:
            pixels: float32 (n, h, w, c) of the network's shape, 0 … 255.
        """
        outputs, features = self._outputs_and_features(tf.constant(pixels))
        return outputs.numpy(), self.judge(self.distances(features.numpy()))

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return each row's distance to the nearest class: float32 (n, features) -> float32 (n,)."""
        white, centres = features @ self.whitening, self.means @ self.whitening
        squared = [((white - centre) ** 2).sum(axis=1) for centre in centres]
        return np.sqrt(np.min(squared, axis=0))

    def judge(self, distances: np.ndarray) -> OODResult:
        """Return what distances mean: against the config's threshold."""
        score = (distances / self.config.ood_threshold).astype(np.float32)
        score[np.isnan(score)] = np.inf  # of features beyond float32's range: like nothing that was learned
        return OODResult(score, score > 1)

    def tensors(self) -> dict[str, np.ndarray]:
        """Return what is kept beside the weights."""
        return dict(zip(self.config.extra_tensor_shapes, (self.means, self.whitening), strict=True))


def features_of(network: keras.Model, config: CnnConfig) -> keras.KerasTensor:
    """Return the features of a network's input, symbolically: float32 (n, features)."""
    maps = [
        network.get_layer(f"block{block}_conv{convolutions}_{config.activation}").output
        for block, convolutions in enumerate(config.convolutions_of_blocks, 1)
    ]
    dense = [network.get_layer(f"dense{n}_{config.activation}").output for n, _ in enumerate(config.dense_units, 1)]
    features = [keras.layers.GlobalAveragePooling2D()(one) for one in maps] + dense
    return keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
