"""What a dataset says of itself, for the card of the model that learned from it."""

from pathlib import Path

import httpx2
import yaml
from huggingface_hub import DatasetCard, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

from training.source import Source


def dataset_card(source: Source) -> dict[str, str]:
    """Return the `title` and the `license` that a dataset's README gives; without one, or a network, nothing."""
    try:
        path = Path(source.dataset) / "README.md"
        if source.revision:
            path = hf_hub_download(source.dataset, "README.md", repo_type="dataset", revision=source.revision)
        data = DatasetCard.load(path).data.to_dict()
    except (OSError, ValueError, yaml.YAMLError, httpx2.HTTPError, HfHubHTTPError):
        return {}
    known = {"title": data.get("pretty_name"), "license": data.get("license")}
    return {name: value for name, value in known.items() if isinstance(value, str)}
