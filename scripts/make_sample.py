"""Write training/sample: a balanced subset of MNIST in the layout of a Hub dataset repo.

    python -m scripts.make_sample ylecun/mnist training/sample

The first rows of each class, in file order, with their PNG bytes unchanged, so that everyone gets the same sample. Its
license is MNIST's.
"""

import argparse
from pathlib import Path

import numpy as np
import yaml
from datasets import Dataset, DatasetDict, Features, disable_progress_bars

from model.io.atomic import atomic_write
from training.data.stream import HubStream

ROWS_PER_CLASS = {"train": 350, "test": 100}  # together below 1.5 MB
CARD = """\
---
license: mit
task_categories:
- image-classification
pretty_name: A small balanced sample of MNIST
{info}configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-*
---
# A small balanced sample of MNIST

{rows} with the PNG bytes of `ylecun/mnist` unchanged, for first runs without a network and for
tests.
Made by `python -m scripts.make_sample`. MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges.
"""


def first_rows_of_each_class(stream: HubStream, count: int) -> list[tuple[bytes, int]]:
    """Return (encoded image, class id) of the first `count` rows of each class, in file order."""
    rows = [
        (image, int(label))
        for batch in stream.ordered()
        for image, label in zip(batch.images, batch.labels, strict=True)
    ]
    labels = np.array([label for _, label in rows])
    chosen = np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(len(stream.labels))])
    return [rows[index] for index in np.sort(chosen)]


def main() -> None:
    """Read the arguments and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="MNIST: a Hub id, or a local folder in a Hub repo's layout")
    parser.add_argument("folder", type=Path, help="where to write")
    arguments = parser.parse_args()
    disable_progress_bars()
    (arguments.folder / "data").mkdir(parents=True, exist_ok=True)
    splits = DatasetDict()
    for split, count in ROWS_PER_CLASS.items():
        stream = HubStream(arguments.dataset, split)
        rows = first_rows_of_each_class(stream, count)
        features = Features(
            {"image": stream.features[stream.image_column], "label": stream.features[stream.label_column]}
        )
        columns = {
            "image": [{"bytes": image, "path": None} for image, _ in rows],
            "label": [label for _, label in rows],
        }
        splits[split] = Dataset.from_dict(columns, features=features)
        splits[split].to_parquet(arguments.folder / "data" / f"{split}-00000-of-00001.parquet", batch_size=100)
    write_card(arguments.folder, splits)


def write_card(folder: Path, splits: DatasetDict) -> None:
    """Write README.md with the schema in its front matter, as a Hub dataset repo has it."""
    info = yaml.safe_dump({"dataset_info": {"features": splits["train"].features._to_yaml_list()}}, sort_keys=False)
    rows = " and ".join(f"{len(data):,} {name} rows" for name, data in splits.items())
    atomic_write(folder / "README.md", CARD.format(info=info, rows=rows))


if __name__ == "__main__":
    main()
