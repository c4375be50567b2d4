"""Where a run's rows come from, for its reports, and what their datasets' cards say, for the model card."""

from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

from model.console import one_line
from model.io.reports import local_path
from training.data.folders.readme import read_front_matter
from training.data.parquet.source import ParquetSplit
from training.data.stream import HubStream

MAX_CARD_CHARS = 500  # of each text


def data_section(train: HubStream, validation: HubStream) -> dict[str, Any]:
    """Return the section `data` of training.json and trials.json: datasets, commits, columns, numbers of rows."""
    source = train.sources[0].source
    return {
        "dataset": source.dataset,
        "config": source.config,
        "revision": source.revision,
        "path": local_path(source.dataset, source.revision),
        "endpoint": constants.ENDPOINT if source.revision else None,  # the Hub of that revision
        "fingerprint": train.fingerprint,
        "split": source.split,
        "image_column": train.image_column,
        "label_column": train.label_column,
        "window_rows": train.window_rows,
        "rows": {"train": train.rows, "validation": validation.rows},
        "datasets": [
            {
                "dataset": labeled.source.dataset,
                "config": labeled.source.config,
                "revision": labeled.source.revision,
                "path": local_path(labeled.source.dataset, labeled.source.revision),
                "fingerprint": labeled.fingerprint,
                "rows": labeled.source.table.total,
                "validation_split": validated.source.split,
                "sketches": labeled.sketches,
                **dataset_card(labeled.source),
            }
            for labeled, validated in zip(train.sources, validation.sources, strict=True)
        ],
        "skipped_rows": {str(row): reason for row, reason in sorted(train.skipped.items())},
    }


def dataset_card(source: ParquetSplit) -> dict[str, str]:
    """Return `title`, `license` and `homepage`, those that a dataset's README gives; empty without a network.

    They are one line each, and cut: anyone may have written them.
    """
    try:
        path: str | Path = Path(source.dataset) / "README.md"
        if source.revision:
            path = hf_hub_download(source.dataset, "README.md", repo_type="dataset", revision=source.revision)
        data = read_front_matter(Path(path))
    except (OSError, ValueError, httpx2.HTTPError, HfHubHTTPError):
        return {}
    known = {"title": data.get("pretty_name"), "license": data.get("license"), "homepage": data.get("homepage")}
    return {name: one_line(value)[:MAX_CARD_CHARS] for name, value in known.items() if isinstance(value, str)}
