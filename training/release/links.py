"""Links between repos of the Hub, in the cards of models: to the Space that shows one, and to its newer version."""

import logging

from huggingface_hub import CommitOperationAdd, HfApi, ModelCard
from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError
from yaml import YAMLError

from model.artifacts import CARD_FILE
from model.card.demo import with_demo
from model.errors import TrazoError
from model.io.hub_errors import status_of, translate_hub_errors
from model.io.published_card import read_published_card

logger = logging.getLogger("trazo")


def link_space(repo_id: str, space: str, token: str | None = None) -> None:
    """Add the address of a Space to a model's card, in a separate commit; if that cannot be done, say why.

    Args:
        repo_id: `owner/name` of the model.
        space: `owner/name` of the Space. A private one is not linked.
        token: as in huggingface_hub.
    """
    try:
        with translate_hub_errors(repo_id):
            if reason := _link_space(HfApi(token=token), repo_id, space):
                logger.info("the card of %s does not link the Space: %s", repo_id, reason)
    except TrazoError as error:  # the Space is there, and a missing link is not worth failing
        logger.info("the card of %s does not link the Space: %s", repo_id, error)


def _link_space(api: HfApi, repo_id: str, space: str) -> str:
    """Link it; return why not, or nothing."""
    if api.space_info(space).private:
        return ""
    commit = api.model_info(repo_id).sha
    try:
        card = read_published_card(api, repo_id, commit)
    except RemoteEntryNotFoundError:
        return "it does not exist"
    linked = with_demo(card, space)
    if linked == card:
        return ""
    if linked is None:
        return "it was not written by Trazo"
    operation = CommitOperationAdd(CARD_FILE, linked.encode())
    try:
        api.create_commit(repo_id, [operation], commit_message="Link the demo", parent_commit=commit)
    except HfHubHTTPError as error:
        if status_of(error) not in (401, 403):
            raise
        return "this token may not write there"
    logger.info("linked from the card of %s", repo_id)
    return ""


def check_superseded(old: str, new: str, token: str | None = None) -> None:
    """Refuse, before anything is uploaded, a model that cannot be marked as superseded.

    Raises:
        TrazoError: if it is the new one, does not exist, or may not be written.
    """
    if old == new:
        raise TrazoError(f"--supersedes {old} is the repo that is published: name the older one, or leave it out")
    api = HfApi(token=token)
    with translate_hub_errors(old):
        api.auth_check(old, write=True)
        _load_card(api, old)


def supersede(old: str, new: str, token: str | None = None) -> None:
    """Write `new_version` into the card of a model that another one replaces; the Hub then links the new one.

    Args:
        old: `owner/name`.
        new: `owner/name` of the model that replaces it.
        token: as in huggingface_hub.
    """
    api = HfApi(token=token)
    with translate_hub_errors(old):
        commit = api.model_info(old).sha
        card = _load_card(api, old, commit)
        if card.data.get("new_version") == new:
            return
        card.data["new_version"] = new
        api.create_commit(
            old,
            [CommitOperationAdd(CARD_FILE, str(card).encode())],
            commit_message=f"Name the newer version, {new}",
            parent_commit=commit,
        )
    logger.info("the card of %s names %s as its newer version", old, new)


def _load_card(api: HfApi, repo_id: str, commit: str | None = None) -> ModelCard:
    try:
        return ModelCard(read_published_card(api, repo_id, commit))
    except RemoteEntryNotFoundError:
        return ModelCard("")
    except (ValueError, YAMLError) as error:
        reason = " ".join(str(error).split())
        raise TrazoError(f"the metadata in {repo_id}/{CARD_FILE} are damaged: {reason}; correct them there") from None
