"""One step of training and one of validation, as TensorFlow graphs."""

from collections.abc import Callable
from typing import Any, TypeAlias

from model.backend import keras, tf

from model.config import CnnConfig
from model.losses import make_answer_function, make_loss, make_metric_function, standardize_targets
from model.network import standardized_outputs
from training.augmentation.mixing import MixedLabels, label_parts
from training.config import TrainConfig
from training.devices import has_gpu
from training.loop.exposure import OutlierExposure
from training.loop.state import TrainState

Labels: TypeAlias = tf.Tensor | MixedLabels  # the latter only in training
TrainStep = Callable[[tf.Tensor, Labels], tf.Tensor]  # (images, labels) -> sums of loss and metric, number of rows
EvalStep = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]  # … -> these, and the answers (n,)


def compile_steps(
    state: TrainState, config: CnnConfig, settings: TrainConfig, exposure: OutlierExposure | None = None
) -> tuple[TrainStep, EvalStep]:
    """Return (one training step, one validation step), as TensorFlow graphs.

    A training step updates `state.network`, and then moves the weights of `state.ema_network` towards it (Polyak and
    Juditsky 1992, with a momentum as in Keras' own averaging). A validation step runs `state.ema_network`; its answers
    are class ids, or numbers in the targets' unit.

    A loss counts each row by the weight of its class, if there are weights, and compares standardized targets. A mixed
    row counts for both of its classes, each by its share; so does the metric of the training.

    The drawings of `exposure` join each batch of the training, and count in no sum.
    """
    network, ema_network, optimizer = state.network, state.ema_network, state.optimizer
    loss_of = make_loss(config.task, config.loss, len(config.labels), settings.label_smoothing)
    metric_of, answer_of = make_metric_function(config.task), make_answer_function(config.task)
    weights = tf.constant(settings.class_weight_values, tf.float32) if settings.class_weight_values else None
    inner, ema_inner = standardized_outputs(network, config), standardized_outputs(ema_network, config)
    if exposure:
        with_logits = keras.Model(network.input, network.get_layer("head").output)
    offset, scale = config.target_offset_and_scale
    images_spec = tf.TensorSpec((None, *config.image_shape), tf.float32)
    labels_spec = tf.TensorSpec((None,), tf.float32 if config.task == "regression" else tf.int64)
    train_labels_spec: Any = labels_spec
    if settings.mixes_images and config.task != "regression":
        train_labels_spec = MixedLabels(labels_spec, labels_spec, tf.TensorSpec((None,), tf.float32))

    def weighted_loss(labels: Labels, outputs: tf.Tensor) -> tf.Tensor:
        return tf.add_n(
            [
                loss_of(standardize_targets(one, config), outputs, _row_weights(one, share, weights))
                for one, share in label_parts(labels)
            ]
        )

    def in_unit(outputs: tf.Tensor) -> tf.Tensor:
        return outputs * scale + offset if config.target_scaling else outputs

    def batch_sums(labels: Labels, outputs: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
        rows = tf.cast(tf.shape(outputs)[0], tf.float32)
        metrics = [
            tf.reduce_sum(metric_of(one, in_unit(outputs)) * (1.0 if share is None else share))
            for one, share in label_parts(labels)
        ]
        return tf.stack([loss * rows, tf.add_n(metrics), rows])

    def forward(images: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return the outputs for a batch, and the losses of what joins it."""
        if not exposure:
            return inner(images, training=True), []
        joined = tf.concat([images, exposure.sample(optimizer.iterations.value)], 0)
        logits, rows = with_logits(joined, training=True), tf.shape(images)[0]
        return network.get_layer("output")(logits[:rows]), [exposure.loss(logits[rows:])]

    # XLA was measured several times slower than TensorFlow's own kernels for small networks on a CPU; on a GPU it is
    # Keras' default. Nothing below depends on a tensor's value, so that AutoGraph would only slow the tracing down.
    uses_xla = has_gpu()

    @tf.function(input_signature=[images_spec, train_labels_spec], jit_compile=uses_xla, autograph=False)
    def train_step(images: tf.Tensor, labels: Labels) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs, further_losses = forward(images)
            loss = weighted_loss(labels, outputs)
            loss_with_penalties = tf.add_n([loss, *further_losses, *network.losses])
        gradients = tape.gradient(loss_with_penalties, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        if ema_network is not network:
            # A smaller momentum in the first steps: otherwise the random first weights would dominate the average.
            step = tf.cast(optimizer.iterations, tf.float32)
            step_size = 1 - tf.minimum(settings.ema_momentum, (1 + step) / (10 + step))
            for average, weight in zip(ema_network.weights, network.weights, strict=True):
                average.assign_add(step_size * (weight.value - average.value))
        return batch_sums(labels, outputs, loss)

    @tf.function(input_signature=[images_spec, labels_spec], jit_compile=uses_xla, autograph=False)
    def eval_step(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = ema_inner(images, training=False)
        return batch_sums(labels, outputs, weighted_loss(labels, outputs)), answer_of(in_unit(outputs))

    return train_step, eval_step


def _row_weights(labels: tf.Tensor, share: tf.Tensor | None, class_weights: tf.Tensor | None) -> tf.Tensor | None:
    """Return how much each row counts with these labels, float32 (n,); None if all count the same."""
    if class_weights is None:
        return share
    weights = tf.gather(class_weights, labels)
    return weights if share is None else weights * share
