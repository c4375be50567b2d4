"""Splits that are not stored as Parquet (folders of pictures, WebDataset archives, Arrow files): a copy that is.

Such formats say neither how many rows they hold nor where one lies, so that nothing but reading from the beginning
leads to a row. `datasets` streams them once, in file order, into Parquet on disk; from then on every promise of the
stream holds. The price is the disk's space, and that a copy which was interrupted begins anew.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import DatasetBuilder, Image, IterableDataset
from datasets.table import embed_table_storage
from huggingface_hub import constants
from tqdm import tqdm

from model.errors import TrazoError
from training.data.parquet.byte_ranges import cache_folder

ROWS_PER_GROUP = 100  # as `datasets` writes image datasets on the Hub
COPIED_SPLIT = "train"  # what a copy's only split is called, whatever the split's own name: `datasets` knows few names
SHARD_BYTES = 1 << 28  # of a file of the copy, about


def parquet_copy(builder: DatasetBuilder, dataset: str, split: str, commit: str | None) -> Path:
    """Return a folder with a split as Parquet; made where there is none of this version of the data.

    Args:
        builder: of the dataset, as `datasets` finds it.
        dataset: as it was asked for.
        split: its name.
        commit: on the Hub; None for a local folder, whose files' sizes and times then tell the version.

    Raises:
        TrazoError: when the split holds no pictures, or `datasets` cannot read it.
    """
    urls = [str(url) for url in builder.config.data_files[split]]
    version = commit or [(url, os.stat(url).st_size, os.stat(url).st_mtime_ns) for url in urls]
    key = repr((constants.ENDPOINT, dataset, builder.config.name, split, version))
    folder = cache_folder() / "parquet" / hashlib.sha256(key.encode()).hexdigest()
    if folder.is_dir():
        return folder
    stream = builder.as_streaming_dataset(split)
    pictures = [name for name, feature in (stream.features or {}).items() if isinstance(feature, Image)]
    if not pictures:
        raise TrazoError(
            f"{dataset!r} is stored as {Path(urls[0]).suffix or Path(urls[0]).name} and no column of it is known to "
            "hold images; push it once with `datasets.Dataset.push_to_hub`, or try --revision refs/convert/parquet, "
            "where the Hub keeps a copy of many datasets"
        )
    print(
        f"{dataset!r} is not stored as Parquet: its split {split} is copied to {folder}, once; interrupted, the copy "
        "begins anew",
        flush=True,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: what a killed process left behind has another name and is never read.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-", ignore_cleanup_errors=True) as temporary:
        _write(stream, Path(temporary) / "copy")
        if not folder.is_dir():  # another process may have been quicker
            shutil.move(Path(temporary) / "copy", folder)
    return folder


def _write(stream: IterableDataset, folder: Path) -> None:
    folder.mkdir()
    tables, number = _tables(stream), 0
    table = next(tables, None)
    while table is not None:
        path = folder / f"{COPIED_SPLIT}-{number:05}.parquet"
        with pq.ParquetWriter(path, stream.features.arrow_schema) as writer:
            while table is not None and (not path.exists() or path.stat().st_size < SHARD_BYTES):
                writer.write_table(table, row_group_size=ROWS_PER_GROUP)
                table = next(tables, None)
        number += 1


def _tables(stream: IterableDataset) -> Iterator[pa.Table]:
    """Yield a row group's rows at a time, the pictures as the bytes that they are stored as."""
    schema = stream.features.arrow_schema
    # As Python's lists: in Arrow's format `datasets` fails where an archive's rows name their columns in another order.
    batches = stream.decode(False).iter(batch_size=ROWS_PER_GROUP)
    for batch in tqdm(batches, desc="copied", unit="00 rows", disable=None):
        yield embed_table_storage(pa.Table.from_pydict(batch, schema)).cast(schema)
