"""Contenders for photographs: what reads the files and brings them to the network's size."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.contender import BATCH, Batches, Contender, Setting, one_by_one, read_rows
from benchmarks.own import training
from benchmarks.torch_peers import WORKERS, stacked
from model.preprocess.jpeg import jpeg_size

REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


def _files(setting: Setting) -> tuple[list[str], np.ndarray]:
    """Return the paths of all files and their labels, int64 (n,)."""
    paths = sorted((setting.data.parent / "files").glob("*/*.jpg"))
    classes = sorted({path.parent.name for path in paths})
    return [str(path) for path in paths], np.array([classes.index(path.parent.name) for path in paths], np.int64)


@one_by_one
def tf_data(setting: Setting) -> Callable[[int], Batches]:
    """Plain `tf.data` from files, as TensorFlow's guide to loading images writes it."""
    import tensorflow as tf

    paths, labels = _files(setting)

    def load(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), setting.shape[:2]), label

    data = tf.data.Dataset.from_tensor_slices((paths, labels)).shuffle(len(paths))
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return lambda number: data


@one_by_one
def bare(setting: Setting, reduced: bool) -> Callable[[int], Batches]:
    """OpenCV over the encoded bytes in memory, one image per task, averaged over areas and stacked as a batch."""
    images, labels = read_rows(setting.data)
    rows, columns = setting.shape[:2]

    def flag(image: bytes) -> int:
        height, width = jpeg_size(image) or (0, 0)
        fitting = [REDUCED[factor] for factor in REDUCED if height >= factor * rows and width >= factor * columns]
        return fitting[0] if reduced and fitting else cv2.IMREAD_COLOR

    items = [(np.frombuffer(image, np.uint8), flag(image)) for image in images]

    def decode(item: tuple[np.ndarray, int]) -> np.ndarray:
        return cv2.resize(cv2.imdecode(*item), (columns, rows), interpolation=cv2.INTER_AREA)

    def epoch(number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        with ThreadPoolExecutor(WORKERS) as pool:
            decoded = pool.map(decode, items)
            for low in range(0, len(items), BATCH):
                batch = labels[low : low + BATCH]
                yield np.stack([next(decoded) for _ in batch]), batch

    return epoch


def _with_pillow(source: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Decode and resize as most dataset classes do."""
    with Image.open(source) as image:
        return np.asarray(image.convert("RGB").resize(shape[1::-1], Image.Resampling.BILINEAR))


def _with_opencv(encoded: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    return cv2.resize(pixels, shape[1::-1], interpolation=cv2.INTER_AREA)


@one_by_one
def data_loader(setting: Setting) -> Callable[[int], Batches]:
    """`DataLoader` over the files, with Pillow."""
    from torch.utils.data import DataLoader, Dataset

    paths, labels = _files(setting)

    class Rows(Dataset):
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
            return _with_pillow(paths[row], setting.shape), int(labels[row])

    loader = DataLoader(Rows(), BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True, collate_fn=stacked)
    return lambda number: loader


def _file_row(item: tuple[str, int]) -> dict[str, object]:
    return {"image": Path(item[0]).read_bytes(), "label": item[1]}


def to_litdata(setting: Setting) -> None:
    """Write LitData's chunks, of the encoded files."""
    from litdata import optimize

    paths, labels = _files(setting)
    items = list(zip(paths, labels.tolist(), strict=True))
    optimize(_file_row, items, str(setting.converted), chunk_bytes="64MB", num_workers=WORKERS, verbose=False)


@one_by_one
def litdata(setting: Setting) -> Callable[[int], Batches]:
    """LitData over its chunks on the disk, with OpenCV."""
    from litdata import StreamingDataLoader, StreamingDataset

    class Rows(StreamingDataset):
        def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
            found = super().__getitem__(row)
            return _with_opencv(found["image"], setting.shape), found["label"]

    data = Rows(str(setting.converted), shuffle=True, drop_last=False)
    loader = StreamingDataLoader(data, batch_size=BATCH, num_workers=WORKERS, collate_fn=stacked)
    return lambda number: loader


PHOTO_CONTENDERS = {
    "photo-bare-full": Contender(
        "bare decode in memory, in full", "uint8, file order", partial(bare, reduced=False), WORKERS
    ),
    "photo-bare-reduced": Contender(
        "bare decode in memory, at a part of the size", "uint8, file order", partial(bare, reduced=True), WORKERS
    ),
    "photo-tf-data": Contender("`tf.data` from files", "float32 tensors, shuffled", tf_data, WORKERS),
    "photo-torch": Contender(
        "torch, `DataLoader`, Pillow", "uint8 tensors, shuffled", data_loader, WORKERS, needs=("torch",)
    ),
    "photo-litdata": Contender(
        "LitData, OpenCV", "uint8 tensors, shuffled", litdata, WORKERS, to_litdata, ("torch", "litdata")
    ),
    "photo-trazo": Contender(
        "Trazo, `make_train_data` without augmentation, from the disk",
        "float32 tensors, shuffled",
        partial(training, threads=WORKERS, strength=0.0, from_disk=True),
        WORKERS,
    ),
    "photo-trazo-augmented": Contender(
        "Trazo, `make_train_data`, from the disk",
        "float32 tensors, shuffled, augmented",
        partial(training, threads=WORKERS, strength=1.0, from_disk=True),
        WORKERS,
    ),
    "photo-trazo-first": Contender(
        "Trazo, `make_train_data` without augmentation, from the disk, first epoch",
        "float32 tensors, shuffled",
        partial(training, threads=WORKERS, strength=0.0, from_disk=True, keep=False),
        WORKERS,
    ),
    "photo-trazo-hub": Contender(
        "Trazo, `make_train_data` without augmentation, from the Hub, first epoch",
        "float32 tensors, shuffled",
        partial(training, threads=WORKERS, strength=0.0, keep=False),
        WORKERS,
    ),
}
