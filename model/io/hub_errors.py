"""The Hub client's errors in plain words, the same for models, datasets and Spaces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from model.errors import TrazoError

T = TypeVar("T")
RepoType = Literal["model", "dataset", "space"]
NOUNS: dict[RepoType, str] = {"model": "repo", "dataset": "dataset", "space": "repo"}
OFFLINE_HINTS: dict[RepoType, str] = {"dataset": "; without a network, try `--dataset training/sample`"}
REASONS = {
    401: "no valid token: set HF_TOKEN or run `hf auth login`",
    402: "this costs money, and the account cannot pay: see https://huggingface.co/settings/billing",
    403: "this token may not do that; it needs write access",
    412: "somebody else committed in between; look at their commit, then publish again",
}


def repeat_if_closed(call: Callable[[], T]) -> T:
    """Return what a call that only reads returns; it is repeated once if the connection ends.

    The client keeps connections, and the Hub may close one at the moment when it is used again.
    """
    try:
        return call()
    except (httpx2.ReadError, httpx2.RemoteProtocolError):
        return call()


@contextmanager
def translate_hub_errors(repo_id: str, revision: str | None = None, repo_type: RepoType = "model") -> Iterator[None]:
    """Turn what huggingface_hub raises about a repo into one line.

    Args:
        repo_id: as the user wrote it; it may have been meant as a folder.
        revision: branch, tag or commit that was asked for.
        repo_type: as huggingface_hub names it.

    Raises:
        TrazoError: instead of the client's error; errors that are already a TrazoError pass unchanged.
    """
    name, noun = repr(repo_id), NOUNS[repo_type]
    try:
        yield
    except TrazoError:
        raise
    except GatedRepoError:
        raise TrazoError(f"{name} is gated: ask for access on its page and set HF_TOKEN") from None
    except RepositoryNotFoundError:
        raise TrazoError(
            f"{name} is neither a folder here nor a {noun} on the Hub that you may read; "
            "check the name, or set HF_TOKEN if it is private"
        ) from None
    except RevisionNotFoundError:
        raise TrazoError(
            f"{name} has no revision {revision!r}; its page on the Hub lists branches, tags and whole commit hashes"
        ) from None
    except HFValidationError:
        raise TrazoError(f"{name} is neither a folder here nor a {noun} id (owner/name)") from None
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, httpx2.RequestError, ConnectionError) as error:
        raise TrazoError(
            f"the Hub ({constants.ENDPOINT}) cannot be reached for {name} ({type(error).__name__}), "
            f"which is neither a folder here nor in the cache{OFFLINE_HINTS.get(repo_type, '')}"
        ) from None
    except HfHubHTTPError as error:
        raise TrazoError(f"the Hub refused {name} ({status_of(error)}): {_reason(error)}") from None
    except OSError as error:  # of the disk; it comes last because many of the Hub's errors are OSErrors too
        raise TrazoError(
            f"the files of {name} cannot be read or written here: {error} (the cache is {constants.HF_HUB_CACHE})"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # huggingface_hub cannot parse the response
        raise TrazoError(
            f"{constants.ENDPOINT} does not respond like a Hub about {name} ({error.__cause__ or repr(error)})"
        ) from None


@contextmanager
def translate_service_errors(service: str) -> Iterator[None]:
    """Turn what huggingface_hub raises about a service of the Hub, which is not a repo, into one line.

    Args:
        service: its name.

    Raises:
        TrazoError: instead of the client's error; errors that are already a TrazoError pass unchanged.
    """
    try:
        yield
    except LocalTokenNotFoundError:
        raise TrazoError(f"{service}: {REASONS[401]}") from None
    except (OfflineModeIsEnabled, httpx2.RequestError, ConnectionError) as error:
        raise TrazoError(
            f"{service} at {constants.ENDPOINT} cannot be reached ({type(error).__name__}): check the network, and "
            "that HF_HUB_OFFLINE is not set"
        ) from None
    except HfHubHTTPError as error:
        raise TrazoError(f"{service} refused this ({status_of(error)}): {_reason(error)}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # huggingface_hub cannot parse the response
        raise TrazoError(
            f"{constants.ENDPOINT} does not respond like a Hub about {service} ({error.__cause__ or repr(error)})"
        ) from None


def _reason(error: HfHubHTTPError) -> str:
    return REASONS.get(status_of(error), next(iter(str(error).splitlines()), "no reason given"))


def status_of(error: HfHubHTTPError) -> int:
    """Return the HTTP status of the Hub's response; 0 if there was none."""
    return error.response.status_code if error.response is not None else 0
