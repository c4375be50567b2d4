"""Parquet copies of splits in other formats: WebDataset archives, Arrow files, images that a README declares.

Such formats do not say how many rows they hold or where one lies, so a row can only be reached by reading from the
beginning. `datasets` streams them once, in file order, into Parquet on disk; the copy then streams like any other
dataset. The price is disk space, and an interrupted copy starts again from the beginning.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
from datasets import DatasetBuilder, Image, IterableDataset
from huggingface_hub import constants
from tqdm import tqdm

from model.errors import TrazoError
from training.data.folders.inside import check_files, named_files
from training.data.folders.listing import changed_ns
from training.data.parquet.byte_ranges import cache_folder
from training.data.parquet.datasets_compat import embed_table_storage
from training.data.parquet.locks import remove_others, unfinished_copy, use
from training.data.parquet.shards import ParquetShards, bounded_groups
from training.data.parquet.used import note_use

logger = logging.getLogger("trazo")

COPIED_SPLIT = "train"  # name of a copy's only split: `datasets` recognizes few names
ROWS_PER_READ = 10  # in memory at once


def parquet_copy(builder: DatasetBuilder, dataset: str, split: str, commit: str | None) -> Path:
    """Return a folder with a Parquet copy of a split; it is made if there is none of this version of the data.

    Args:
        builder: of the dataset, from `datasets`.
        dataset: as it was requested.
        split: its name.
        commit: on the Hub; None for a local folder, whose version is its files' sizes and times.

    Raises:
        TrazoError: if no column of the split holds images.
    """
    urls = [str(url) for url in builder.config.data_files[split]]
    version = commit or [(url, os.stat(url).st_size, changed_ns(os.stat(url))) for url in urls]
    folder = cache_folder() / "parquet"
    if commit is None:  # of a folder only the last version is kept
        place = repr((os.path.realpath(dataset), builder.config.name, split))
        folder /= f"folder-{hashlib.sha256(place.encode()).hexdigest()[:32]}"
    folder /= _key(dataset, builder.config.name, split, version)
    if folder.is_dir():
        use(folder)
        note_use(folder if commit else folder.parent, dataset)
        return folder
    stream = builder.as_streaming_dataset(split)
    image_columns = [name for name, feature in (stream.features or {}).items() if isinstance(feature, Image)]
    if not image_columns:
        raise TrazoError(
            f"{dataset!r} is stored as {Path(urls[0]).suffix or Path(urls[0]).name} and no column of it is known to "
            "hold images; push it once with `datasets.Dataset.push_to_hub`, or try --revision refs/convert/parquet, "
            "where the Hub keeps a copy of many datasets"
        )
    logger.info(
        f"{dataset!r} is not stored as Parquet: its split {split} is copied to {folder}, once; if interrupted, the "
        "copy starts again from the beginning"
    )
    with unfinished_copy(folder.parent) as copy:
        _write(stream, copy, partial(check_files, dataset, "a row", on_hub=commit is not None))
        if not folder.is_dir():  # another process may have made it meanwhile
            shutil.move(copy, folder)
    if commit is None:
        remove_others(folder)
    use(folder)
    note_use(folder if commit else folder.parent, dataset)
    return folder


def kept_copy(dataset: str, config: str | None, split: str, commit: str) -> Path | None:
    """Return the copy of a split on the Hub that was made before; None if there is none."""
    folder = cache_folder() / "parquet" / _key(dataset, config, split, commit)
    if not folder.is_dir():
        return None
    use(folder)
    note_use(folder, dataset)
    return folder


def _key(dataset: str, config: str | None, split: str, version: object) -> str:
    return hashlib.sha256(repr((constants.ENDPOINT, dataset, config, split, version)).encode()).hexdigest()


def _write(stream: IterableDataset, folder: Path, check: Callable[[Iterable[str]], None]) -> None:
    with ParquetShards(folder, stream.features.arrow_schema, COPIED_SPLIT) as shards:
        for table in bounded_groups(_tables(stream, check)):
            shards.write_group(table)


def _tables(stream: IterableDataset, check: Callable[[Iterable[str]], None]) -> Iterator[pa.Table]:
    """Yield some rows at a time, with the images as they are stored; files that they name are checked before."""
    schema = stream.features.arrow_schema
    # As Python lists: in Arrow format `datasets` fails if an archive's rows have their columns in another order.
    batches = stream.decode(False).iter(batch_size=ROWS_PER_READ)
    for batch in tqdm(batches, desc="copied", unit="0 rows", disable=None):
        check(named_files(batch))
        yield embed_table_storage(pa.Table.from_pydict(batch, schema)).cast(schema)
