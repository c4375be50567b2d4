"""What can be known before a machine is rented: whether it will see the data, and may publish the result."""

import os
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from model.errors import TrazoError
from model.io.hub_errors import translate_hub_errors
from training.config import DataConfig, TransferConfig, TuneConfig

# Where a tracker keeps its runs; without it, on the machine, which is gone at the end.
TRACKER_ADDRESSES = {"mlflow": "MLFLOW_TRACKING_URI", "trackio": "TRACKIO_SPACE_ID"}


def check_remote(data: DataConfig, search: TuneConfig, transfer: TransferConfig, track: Sequence[str]) -> None:
    """Refuse what a rented machine cannot see, a run of unknown length, and a tracker that would lose it.

    Raises:
        TrazoError: with what to do.
    """
    if transfer.backbone and not transfer.finetune:
        raise TrazoError(
            "a rented machine is paid by the minute, and a head on frozen features takes as long as it takes: fit it "
            "on this machine, or add --finetune and --minutes"
        )
    if search.minutes is None:
        raise TrazoError("a rented machine is paid by the minute: give --minutes, in which it searches and trains")
    if search.warm_start:
        raise TrazoError(
            f"--warm-start {search.warm_start} is a folder, which a rented machine cannot see: leave it out"
        )
    for name in (*_datasets(data), *_models(transfer)):
        if Path(name).exists():
            raise TrazoError(
                f"{name} is on this machine, where a rented one cannot see it: upload it, with `hf upload` or "
                "`publish`, and give its owner/name"
            )
    for tracker, variable in TRACKER_ADDRESSES.items():
        address = os.environ.get(variable, "")
        if tracker in track and (not address or (tracker == "mlflow" and not address.startswith(("http:", "https:")))):
            raise TrazoError(
                f"--track {tracker} would keep the run on the rented machine, and lose it: set {variable} to a place "
                "that the machine can reach"
            )


def check_on_hub(data: DataConfig, transfer: TransferConfig, push_to: str, api: HfApi) -> None:
    """Refuse repos that do not exist or may not be read, and one that may not be written.

    Args:
        data: its datasets are looked up.
        transfer: so are its models.
        push_to: `owner/name` of what the run is published to.
        api: with the user's token.

    Raises:
        TrazoError: with the first repo that is missing or closed.
    """
    for name in _datasets(data):
        with translate_hub_errors(name, repo_type="dataset"):
            api.auth_check(name, repo_type="dataset")
    for name in _models(transfer):
        with translate_hub_errors(name):
            api.auth_check(name)
    with translate_hub_errors(push_to):
        try:
            api.auth_check(push_to, write=True)
        except RepositoryNotFoundError:  # it will be made
            account = api.whoami()
            owners = [account["name"], *(one["name"] for one in account.get("orgs", []))]
            if push_to.split("/")[0] not in owners:
                raise TrazoError(
                    f"--push-to {push_to} does not exist, and this token can make repos of {', '.join(owners)} only"
                ) from None


def _datasets(data: DataConfig) -> list[str]:
    return [name for name in (data.dataset, *data.extra_datasets, *data.sketches) if name]


def _models(transfer: TransferConfig) -> list[str]:
    return [name for name in (transfer.backbone, transfer.start_from) if name]
