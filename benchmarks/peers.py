"""Peers that need only TensorFlow, Keras and `datasets`."""

import io
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
from PIL import Image

from benchmarks.contender import BATCH, SHAPE, Batches, Contender, Setting, one_by_one, read_rows

BUFFER = 1000  # examples held to shuffle a stream: the default of `datasets`


def with_pillow(encoded: bytes) -> np.ndarray:
    """Decode as most dataset classes do."""
    return np.asarray(Image.open(io.BytesIO(encoded))).reshape(SHAPE)


def with_opencv(encoded: bytes) -> np.ndarray:
    """Decode with the fastest decoder."""
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED).reshape(SHAPE)


def _stream(setting: Setting):
    import datasets

    # After a shuffled pass it would wait 5 s for threads to end; that is not counted.
    datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN = 0
    return datasets.load_dataset(setting.dataset, split="train", streaming=True)


@one_by_one
def tutorial(setting: Setting) -> Callable[[int], Batches]:
    """What tutorials show: a Python generator of single examples, batched by `tf.data`."""
    import tensorflow as tf

    stream = _stream(setting)
    signature = tf.TensorSpec(SHAPE, tf.uint8), tf.TensorSpec((), tf.int64)

    def examples() -> Iterator[tuple[np.ndarray, int]]:
        for row in stream:
            yield np.asarray(row["image"]).reshape(SHAPE), row["label"]

    data = tf.data.Dataset.from_generator(examples, output_signature=signature)
    return lambda number: data.shuffle(BUFFER).batch(BATCH).prefetch(tf.data.AUTOTUNE)


@one_by_one
def iterated(setting: Setting, shuffle: bool) -> Callable[[int], Batches]:
    """A loop over the streamed dataset that stacks a batch at a time."""
    stream = _stream(setting)
    stream = stream.shuffle(seed=0, buffer_size=BUFFER) if shuffle else stream

    def epoch(number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        stream.set_epoch(number)
        images, labels = [], []
        for row in stream:
            images.append(np.asarray(row["image"]).reshape(SHAPE))
            labels.append(row["label"])
            if len(images) == BATCH:
                yield np.stack(images), np.array(labels)
                images, labels = [], []
        if images:
            yield np.stack(images), np.array(labels)

    return epoch


@one_by_one
def formatted(setting: Setting, shuffle: bool) -> Callable[[int], Batches]:
    """The streamed dataset's own batches of tensors."""
    import tensorflow as tf

    stream = _stream(setting)
    stream = stream.shuffle(seed=0, buffer_size=BUFFER) if shuffle else stream
    stream = stream.with_format("tensorflow")

    def epoch(number: int) -> Iterator[tuple]:
        stream.set_epoch(number)
        for batch in stream.iter(batch_size=BATCH):
            yield tf.reshape(batch["image"], (-1, *SHAPE)), batch["label"]

    return epoch


def to_folders(setting: Setting) -> None:
    """Write one file per image, in one folder per class."""
    images, labels = read_rows(setting.data)
    for label in np.unique(labels):
        (setting.converted / str(label)).mkdir(parents=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (setting.converted / str(label) / f"{number}.png").write_bytes(image)


@one_by_one
def from_directory(setting: Setting) -> Callable[[int], Batches]:
    """`keras.utils.image_dataset_from_directory` over one folder per class."""
    import keras

    data = keras.utils.image_dataset_from_directory(
        setting.converted, color_mode="grayscale", batch_size=BATCH, image_size=SHAPE[:2], seed=0, verbose=False
    )
    return lambda number: data


@one_by_one
def py_dataset(setting: Setting, decode: Callable[[bytes], np.ndarray]) -> Callable[[int], Batches]:
    """`keras.utils.PyDataset` over the encoded images in memory, through the adapter with which `fit` reads it."""
    import keras
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

    images, labels = read_rows(setting.data)

    class Rows(keras.utils.PyDataset):
        def __len__(self) -> int:
            return -(-len(images) // BATCH)

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            rows = order[number * BATCH : (number + 1) * BATCH]
            return np.stack([decode(images[row]) for row in rows]), labels[rows]

    order = np.random.default_rng(0).permutation(len(images))

    def epoch(number: int) -> Iterator[tuple]:
        adapter = PyDatasetAdapter(Rows(workers=2), shuffle=False)
        adapter.on_epoch_begin()
        data = adapter.get_tf_dataset()
        for _, batch in zip(range(-(-len(images) // BATCH)), data, strict=False):
            yield batch
        adapter.on_epoch_end()

    return epoch


PEERS = {
    "tutorial": Contender("the tutorials' `from_generator`", "uint8 tensors, buffer-shuffled", tutorial),
    "datasets": Contender("`datasets`, iterated", "uint8, file order", partial(iterated, shuffle=False)),
    "datasets-shuffled": Contender("`datasets`, iterated", "uint8, buffer-shuffled", partial(iterated, shuffle=True)),
    "datasets-tensorflow": Contender(
        '`datasets`, `with_format("tensorflow")`', "uint8 tensors, file order", partial(formatted, shuffle=False)
    ),
    "datasets-tensorflow-shuffled": Contender(
        '`datasets`, `with_format("tensorflow")`', "uint8 tensors, buffer-shuffled", partial(formatted, shuffle=True)
    ),
    "keras-directory": Contender(
        "Keras, `image_dataset_from_directory`", "float32 tensors, shuffled", from_directory, 2, to_folders
    ),
    "keras-pydataset": Contender(
        "Keras, `PyDataset`, Pillow", "uint8 tensors, shuffled", partial(py_dataset, decode=with_pillow), 2
    ),
    "keras-pydataset-opencv": Contender(
        "Keras, `PyDataset`, OpenCV", "uint8 tensors, shuffled", partial(py_dataset, decode=with_opencv), 2
    ),
}
