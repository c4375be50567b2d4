"""Layers that treat the slices of several workers as the one batch that they are."""

from model.backend import keras, tf

from training.loop.fast_layers import processor_layers, replace_layers
from training.loop.shared_batch import current_rows
from training.loop.workers import Workers


class SharedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer, trained with the mean and the variance of the global batch: one sum over all workers per call."""

    workers: Workers

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Normalize a worker's slice, of any number of rows, and move the averages towards the global batch's."""
        if not (training and self.trainable):
            return super().call(inputs, training=False, mask=mask)
        x = tf.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        axes, channels = list(range(len(x.shape) - 1)), x.shape[-1]
        # Differences from the moving mean, which is equal everywhere: their squares lose few digits when summed.
        origin = self.moving_mean.value
        difference = x - origin
        count = tf.cast(tf.reduce_prod(tf.shape(x)[:-1]), x.dtype)
        sums = [tf.reduce_sum(difference, axes), tf.reduce_sum(difference * difference, axes), count[None]]
        total, squares, rows = tf.split(self.workers.sum_tensors(tf.concat(sums, 0)), [channels, channels, 1])
        offset = total / rows
        mean, variance = origin + offset, tf.maximum(squares / rows - offset * offset, 0.0)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average.value * self.momentum + value * (1 - self.momentum))
        normalized = tf.nn.batch_normalization(x, mean, variance, self.beta.value, self.gamma.value, self.epsilon)
        return tf.cast(normalized, self.compute_dtype)


class SharedDropout(keras.layers.Dropout):
    """Keras' layer, whose mask is drawn for the global batch; each worker takes that of its rows."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Set some values to 0, and scale the others."""
        if not (training and self.rate > 0):
            return inputs
        rows = current_rows()
        factors = super().call(tf.ones((rows.count, *inputs.shape[1:]), inputs.dtype), training=True)
        return inputs * tf.gather(factors, rows.positions)


def with_shared_layers(network: keras.Model, workers: Workers) -> keras.Model:
    """Return the same network, with the same weights, for slices of a batch; it is called in `Workers.run`.

    On processors, convolutions are those of `with_fast_layers`.

    Args:
        network: from `build_network`; its layers' names and the order of its weights are kept.
        workers: that have the slices.
    """
    layers = keras.layers
    kinds: dict[type, type] = {layers.BatchNormalization: SharedBatchNormalization, layers.Dropout: SharedDropout}
    shared = replace_layers(network, kinds | processor_layers())
    for layer in shared.layers:
        if isinstance(layer, SharedBatchNormalization):
            layer.workers = workers
    return shared
