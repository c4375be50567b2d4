"""The card of a model on the Hub, as it is there now."""

from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError

from model.artifacts import CARD_FILE
from model.card.demo import find_demo
from model.io.hub_errors import translate_hub_errors


def read_published_card(api: HfApi, repo_id: str, commit: str | None = None) -> str:
    """Return README.md of a model repo, with the line ends that it has."""
    path = Path(api.hf_hub_download(repo_id, CARD_FILE, revision=commit))
    return path.read_bytes().decode(errors="replace")


def find_space(repo_id: str, token: str | bool | None = None) -> str | None:
    """Return the Space that a model's card links, `owner/name`; None without one, or without a repo."""
    with translate_hub_errors(repo_id):
        try:
            return find_demo(read_published_card(HfApi(token=token), repo_id))
        except (RepositoryNotFoundError, RemoteEntryNotFoundError):
            return None
