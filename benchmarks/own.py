"""Trazo as a contender, and the upper bound for all contenders: decoding images that are already in memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import cv2
import numpy as np

from benchmarks.contender import BATCH, SHAPE, Batches, Contender, Epochs, Setting, one_by_one, read_rows


def encoded(setting: Setting) -> Epochs:
    """`HubStream` alone."""
    from training.stream import HubStream

    stream = HubStream(setting.dataset, batch_size=BATCH)
    return lambda numbers: ((batch.encoded, batch.labels) for batch in stream.epochs(numbers))


def decoded(setting: Setting, threads: int) -> Epochs:
    """`HubStream` and the decoder, as NumPy arrays."""
    from training.data import decode as decoding
    from training.stream import HubStream

    decoding.DECODERS = threads
    stream = HubStream(setting.dataset, batch_size=BATCH)
    batches = partial(decoding.decoded_batches, stream, image_shape=SHAPE)
    return lambda numbers: ((images, labels) for images, labels, _ in batches(stream.epochs(numbers)))


@one_by_one
def evaluation(setting: Setting, threads: int) -> Callable[[int], Batches]:
    """The whole pipeline into `tf.data`, in file order."""
    from training import pipeline
    from training.data import decode as decoding
    from training.stream import HubStream

    decoding.DECODERS = threads
    stream = HubStream(setting.dataset, batch_size=BATCH)
    return lambda number: pipeline.make_eval_data(stream, image_shape=SHAPE)


def training(setting: Setting, threads: int, strength: float, from_disk: bool = False, keep: bool = True) -> Epochs:
    """The whole pipeline into `tf.data`, shuffled, with augmentation if its strength is not 0.

    Unless `keep`, every epoch is like the first: decoded images are not kept for the next.
    """
    from training import pipeline
    from training.augmentation.config import AugmentConfig
    from training.data import decode as decoding
    from training.data import pixel_cache
    from training.stream import HubStream

    decoding.DECODERS = threads
    if not keep:
        pixel_cache.MAX_BYTES = 0
    stream = HubStream(str(setting.data) if from_disk else setting.dataset, batch_size=BATCH)
    make = partial(pipeline.make_train_data, stream, image_shape=setting.shape, augment=AugmentConfig(augment=strength))
    return lambda numbers: make(numbers.start, epochs=len(numbers))


@one_by_one
def bare(setting: Setting, threads: int, stack: bool) -> Callable[[int], Batches]:
    """OpenCV over the encoded bytes in memory, one batch per task; the pixels are dropped, or stacked as a batch."""
    images, labels = read_rows(setting.data)
    views = [np.frombuffer(image, np.uint8) for image in images]
    batches = [slice(low, low + BATCH) for low in range(0, len(views), BATCH)]

    def decode(rows: slice) -> tuple[np.ndarray | None, np.ndarray]:
        if stack:
            pixels = np.concatenate([cv2.imdecode(view, cv2.IMREAD_UNCHANGED) for view in views[rows]])
            return pixels.reshape(-1, *SHAPE), labels[rows]
        for view in views[rows]:
            cv2.imdecode(view, cv2.IMREAD_UNCHANGED)
        return None, labels[rows]

    def epoch(number: int) -> Iterator[tuple[np.ndarray | None, np.ndarray]]:
        if threads == 1:
            yield from map(decode, batches)
        else:
            with ThreadPoolExecutor(threads) as pool:
                yield from pool.map(decode, batches)

    return epoch


def _each(threads: int) -> dict[str, Contender]:
    def contender(title: str, yields: str, function: Callable) -> Contender:
        return Contender(title, yields, partial(function, threads=threads), threads)

    return {
        f"bare-dropped-{threads}": contender("bare decode in memory", "nothing", partial(bare, stack=False)),
        f"bare-stacked-{threads}": contender("bare decode in memory", "uint8, file order", partial(bare, stack=True)),
        f"trazo-decoded-{threads}": contender("Trazo, decoded batches", "uint8, shuffled", decoded),
        f"trazo-eval-{threads}": contender("Trazo, `make_eval_data`", "float32 tensors, file order", evaluation),
        f"trazo-train-{threads}": contender(
            "Trazo, `make_train_data` without augmentation",
            "float32 tensors, shuffled",
            partial(training, strength=0.0),
        ),
        f"trazo-augmented-{threads}": contender(
            "Trazo, `make_train_data`", "float32 tensors, shuffled, augmented", partial(training, strength=1.0)
        ),
    }


OWN = {"trazo-encoded": Contender("Trazo, `HubStream`", "encoded images, shuffled", encoded), **_each(1), **_each(2)}
