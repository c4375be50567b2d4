"""One step of training and one of validation, as TensorFlow graphs."""

from collections.abc import Callable
from typing import Any, TypeAlias

from model.backend import keras, tf

from model.config import CnnConfig
from model.losses import make_answer_function, make_loss, make_metric_function, standardize_targets
from model.network import standardized_outputs
from training.augmentation.batch_rows import BatchRows
from training.augmentation.mixing import MixedLabels, label_parts
from training.config import TrainConfig
from training.devices import has_gpu
from training.loop.exposure import OutlierExposure
from training.loop.shared_batch import exchange_usable_rows, mix_with_all, rows_of_batch, usable_rows
from training.loop.state import TrainState
from training.loop.workers import ALONE, Workers

Labels: TypeAlias = tf.Tensor | MixedLabels  # the latter only in training
# A batch of `make_train_data`, or of `make_worker_data` -> sums of loss and metric, number of rows of the global batch.
TrainStep = Callable[..., tf.Tensor]
EvalStep = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]  # … -> these, and the answers (n,)


def compile_steps(
    state: TrainState,
    config: CnnConfig,
    settings: TrainConfig,
    exposure: OutlierExposure | None = None,
    workers: Workers = ALONE,
) -> tuple[TrainStep, EvalStep]:
    """Return (one training step, one validation step), as TensorFlow graphs.

    A training step updates `state.network`, and then moves the weights of `state.ema_network` towards it (Polyak and
    Juditsky 1992, with a momentum as in Keras' own averaging). A validation step runs `state.ema_network`; its answers
    are class ids, or numbers in the targets' unit.

    A loss counts each row by the weight of its class, if there are weights, and compares standardized targets. A mixed
    row counts for both of its classes, each by its share; so does the metric of the training.

    The drawings of `exposure` join each batch of the training, and count in no sum.

    Several workers take a training step together: each with its slice of the global batch, all with the sum of their
    gradients. Each validates slices by itself.
    """
    step = _Step(state, config, settings, exposure, workers)
    compile_train_step = _compile_train_step if workers.size == 1 else _compile_shared_step
    return compile_train_step(step), _compile_eval_step(step)


class _Step:
    """What the steps are made of: functions of tensors, in a graph."""

    def __init__(
        self,
        state: TrainState,
        config: CnnConfig,
        settings: TrainConfig,
        exposure: OutlierExposure | None,
        workers: Workers,
    ) -> None:
        self.state, self.config, self.settings, self.workers = state, config, settings, workers
        self._outputs_of, self._exposure = standardized_outputs(state.network, config), exposure
        if exposure:
            self._logits_of = keras.Model(state.network.input, state.network.get_layer("head").output)
        self.ema_outputs_of = standardized_outputs(state.ema_network, config)
        self.answer_of, self._metric_of = make_answer_function(config.task), make_metric_function(config.task)
        self._loss_of = make_loss(config.task, config.loss, len(config.labels), settings.label_smoothing)
        self._loss_of.reduction = "sum"  # which is divided by the rows of the global batch
        class_weights = settings.class_weight_values
        self._class_weights = tf.constant(class_weights, tf.float32) if class_weights else None
        self.images_spec = tf.TensorSpec((None, *config.image_shape), tf.float32)
        self.labels_spec = tf.TensorSpec((None,), tf.float32 if config.task == "regression" else tf.int64)

    def in_unit(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return the numbers of a regression in their unit, other outputs as they are."""
        offset, scale = self.config.target_offset_and_scale
        return outputs * scale + offset if self.config.target_scaling else outputs

    def loss(self, labels: Labels, outputs: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return the mean loss over so many rows, of which these are some."""
        parts = []
        for one, share in label_parts(labels):
            weights = _row_weights(one, share, self._class_weights)
            total = self._loss_of(standardize_targets(one, self.config), outputs, weights)
            parts.append(tf.math.divide_no_nan(total, rows))
        return tf.add_n(parts)

    def sums(self, labels: Labels, outputs: tf.Tensor, loss: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return the sums of loss and metric over these rows, and how many there are."""
        metrics = [
            tf.reduce_sum(self._metric_of(one, self.in_unit(outputs)) * (1.0 if share is None else share))
            for one, share in label_parts(labels)
        ]
        own_rows = tf.cast(tf.shape(outputs)[0], outputs.dtype)
        return tf.stack([loss * rows, tf.cast(tf.add_n(metrics), outputs.dtype), own_rows])

    def _forward(self, images: tf.Tensor, rows: BatchRows) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return the outputs for a batch, and the losses of what joins it."""
        if not self._exposure:
            with rows_of_batch(rows):
                return self._outputs_of(images, training=True), []
        part = self._exposure.part_of(self.workers.rank, self.workers.size)
        drawings, labels = self._exposure.sample(self.state.optimizer.iterations.value, part)
        with rows_of_batch(self._exposure.join(rows, part)):
            logits = self._logits_of(tf.concat([images, drawings], 0), training=True)
        own = tf.shape(images)[0]
        return self.state.network.get_layer("output")(logits[:own]), [self._exposure.loss(logits[own:], labels)]

    def sums_and_gradients(self, images: tf.Tensor, labels: Labels, rows: BatchRows) -> list[tf.Tensor]:
        """Return the sums and, after them, the gradients, over the slices of all workers.

        Args:
            images: float32 (n, h, w, c).
            labels: theirs.
            rows: which ones they are of the rows of the global batch that can be used.
        """
        network, size = self.state.network, self.workers.size
        with tf.GradientTape() as tape:
            outputs, further_losses = self._forward(images, rows)
            count = tf.cast(rows.count, outputs.dtype)
            loss = self.loss(labels, outputs, count)
            penalties = network.losses if size == 1 else [one / size for one in network.losses]
            loss_with_penalties = tf.add_n([loss, *further_losses, *penalties])
        gradients = tape.gradient(loss_with_penalties, network.trainable_variables)
        return self.workers.sum_tensors([self.sums(labels, outputs, loss, count), *gradients])

    def update(self, gradients: list[tf.Tensor]) -> None:
        """Take a step of the optimizer, and move the averages of the weights."""
        network, ema_network, optimizer = self.state.network, self.state.ema_network, self.state.optimizer
        optimizer.apply(gradients, network.trainable_variables)
        if ema_network is not network:
            # A smaller momentum in the first steps: otherwise the random first weights would dominate the average.
            step = tf.cast(optimizer.iterations, tf.float32)
            step_size = 1 - tf.minimum(self.settings.ema_momentum, (1 + step) / (10 + step))
            for average, weight in zip(ema_network.weights, network.weights, strict=True):
                average.assign_add(tf.cast(step_size, average.dtype) * (weight.value - average.value))


# XLA was measured several times slower than TensorFlow's own kernels for small networks on a CPU; on a GPU it is Keras'
# default. Nothing in a step depends on a tensor's value, so that AutoGraph would only slow the tracing down.


def _compile_train_step(step: _Step) -> TrainStep:
    labels_spec: Any = step.labels_spec
    if step.settings.mixes_images and step.config.task != "regression":
        labels_spec = MixedLabels(labels_spec, labels_spec, tf.TensorSpec((None,), tf.float32))

    @tf.function(input_signature=[step.images_spec, labels_spec], jit_compile=has_gpu(), autograph=False)
    def train_step(images: tf.Tensor, labels: Labels) -> tf.Tensor:
        sums, *gradients = step.sums_and_gradients(images, labels, BatchRows.whole(tf.shape(images)[0]))
        step.update(gradients)
        return sums

    return train_step


def _compile_shared_step(step: _Step) -> TrainStep:
    """Return a step of several workers: first they exchange which rows can be used, then the sums of the gradients."""
    workers, settings = step.workers, step.settings
    rows_spec = BatchRows(tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32))
    batch_spec = [step.images_spec, step.labels_spec, rows_spec, tf.TensorSpec((2,), tf.int32)]

    @tf.function(input_signature=[rows_spec], autograph=False)
    def find_usable(rows: BatchRows) -> tf.Tensor:
        return workers.run(lambda one: exchange_usable_rows(one, workers), rows)

    def in_worker(
        images: tf.Tensor, labels: tf.Tensor, rows: BatchRows, seed: tf.Tensor, usable: tf.Tensor
    ) -> list[tf.Tensor]:
        mixed: Labels = labels
        if settings.mixes_images:
            images, mixed = mix_with_all(images, labels, rows, seed, settings, usable, workers)
        return step.sums_and_gradients(images, mixed, usable_rows(rows, usable))

    # Not compiled by XLA, which has no sum over workers.
    @tf.function(input_signature=[*batch_spec, tf.TensorSpec((None,), tf.int32)], autograph=False)
    def train_slice(*batch: tf.Tensor | BatchRows) -> tf.Tensor:
        sums, *gradients = workers.run(in_worker, *batch)
        step.update(gradients)
        return sums

    def shared_step(images: tf.Tensor, labels: tf.Tensor, rows: BatchRows, seed: tf.Tensor) -> tf.Tensor:
        usable = find_usable(rows)
        return train_slice(images, labels, rows, seed, usable) if usable.numpy().any() else tf.zeros(3)

    return shared_step


def _compile_eval_step(step: _Step) -> EvalStep:
    @tf.function(input_signature=[step.images_spec, step.labels_spec], jit_compile=has_gpu(), autograph=False)
    def eval_step(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = step.ema_outputs_of(images, training=False)
        rows = tf.cast(tf.shape(outputs)[0], outputs.dtype)
        sums = step.sums(labels, outputs, step.loss(labels, outputs, rows), rows)
        return sums, step.answer_of(step.in_unit(outputs))

    return eval_step


def _row_weights(labels: tf.Tensor, share: tf.Tensor | None, class_weights: tf.Tensor | None) -> tf.Tensor | None:
    """Return how much each row counts with these labels, float32 (n,); None if all count the same."""
    if class_weights is None:
        return share
    weights = tf.gather(class_weights, labels)
    return weights if share is None else weights * share
