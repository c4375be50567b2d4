"""Peers around PyTorch's `DataLoader`; their packages are in benchmarks/requirements.txt."""

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.contender import BATCH, Batches, Contender, Setting, one_by_one, read_rows
from benchmarks.peers import BUFFER, with_opencv, with_pillow

WORKERS = 2
SHARDS = 8


@one_by_one
def data_loader(setting: Setting, decode: Callable[[bytes], np.ndarray]) -> Callable[[int], Batches]:
    """`DataLoader` over a map-style dataset of the encoded images in memory."""
    from torch.utils.data import DataLoader, Dataset

    images, labels = read_rows(setting.data)

    class Rows(Dataset):
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
            return decode(images[row]), int(labels[row])

    loader = DataLoader(Rows(), BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True, collate_fn=stacked)
    return lambda number: loader


def stacked(rows: list[tuple[np.ndarray, int]]) -> tuple:
    """Make one batch of single rows: faster than torch's own collation, which first makes a tensor of each row."""
    import torch

    images, labels = zip(*rows, strict=True)
    return torch.from_numpy(np.stack(images)), torch.tensor(labels)


def to_tar(setting: Setting) -> None:
    """Write WebDataset's shards."""
    import webdataset

    images, labels = read_rows(setting.data)
    setting.converted.mkdir()
    pattern = str(setting.converted / "train-%05d.tar")
    with webdataset.ShardWriter(pattern, maxcount=-(-len(images) // SHARDS), verbose=0) as writer:
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            writer.write({"__key__": f"{number:08}", "png": image, "cls": int(label)})


@one_by_one
def web_dataset(setting: Setting) -> Callable[[int], Batches]:
    """WebDataset over tar files on the disk."""
    import webdataset

    shards = sorted(str(path) for path in setting.converted.glob("*.tar"))
    data = webdataset.WebDataset(shards, shardshuffle=SHARDS, seed=0).shuffle(BUFFER)
    data = data.decode("l8").to_tuple("png", "cls").batched(BATCH)
    loader = webdataset.WebLoader(data, batch_size=None, num_workers=WORKERS, persistent_workers=True)
    return lambda number: ((images[..., None], labels) for images, labels in loader)


def to_mds(setting: Setting) -> None:
    """Write MosaicML Streaming's shards."""
    from streaming import MDSWriter

    images, labels = read_rows(setting.data)
    with MDSWriter(out=str(setting.converted), columns={"image": "bytes", "label": "int"}) as writer:
        for image, label in zip(images, labels, strict=True):
            writer.write({"image": image, "label": int(label)})


@one_by_one
def mosaic(setting: Setting) -> Callable[[int], Batches]:
    """MosaicML Streaming over its shards on the disk."""
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory
    from torch.utils.data import DataLoader

    class Rows(StreamingDataset):
        def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
            found = super().__getitem__(row)
            return with_pillow(found["image"]), found["label"]

    clean_stale_shared_memory()
    data = Rows(local=str(setting.converted), shuffle=True, batch_size=BATCH)
    loader = DataLoader(data, BATCH, num_workers=WORKERS, persistent_workers=True, collate_fn=stacked)
    return lambda number: loader


TORCH_PEERS = {
    "torch": Contender(
        "torch, `DataLoader`, Pillow",
        "uint8 tensors, shuffled",
        partial(data_loader, decode=with_pillow),
        WORKERS,
        needs=("torch",),
    ),
    "torch-opencv": Contender(
        "torch, `DataLoader`, OpenCV",
        "uint8 tensors, shuffled",
        partial(data_loader, decode=with_opencv),
        WORKERS,
        needs=("torch",),
    ),
    "webdataset": Contender(
        "WebDataset", "uint8 tensors, buffer-shuffled", web_dataset, WORKERS, to_tar, ("torch", "webdataset")
    ),
    "mosaicml": Contender(
        "MosaicML Streaming", "uint8 tensors, shuffled", mosaic, WORKERS, to_mds, ("torch", "streaming")
    ),
}
