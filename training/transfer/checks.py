"""Options that have no meaning for a training which starts from the weights of others. Imports no TensorFlow."""

from collections.abc import Collection, Sequence
from typing import Any

from model.errors import TrazoError
from training.config import TransferConfig

OF_HEAD = ("seed", "batch_size", "loss", "class_weights")  # settings of a training that a head has too


def check_search(given: Collection[str], transfer: TransferConfig) -> None:
    """Refuse options of a search where there is none, because the weights that a training starts from have a network.

    Args:
        given: fields of TuneConfig that the user set, also to their defaults.
        transfer: what the training starts from.

    Raises:
        TrazoError: with their names.
    """
    network = transfer.backbone or transfer.start_from
    if network is None:
        return
    is_head = transfer.backbone and not transfer.finetune  # which takes as long as it takes
    used = {"seed"} if is_head else {"seed", "minutes"}
    if unused := [name for name in given if name not in used]:
        raise TrazoError(f"{_as_options(unused)}: the network is that of {network}, and nothing is searched")


def check_settings(overrides: dict[str, Any], transfer: TransferConfig, track: Sequence[str] = ()) -> None:
    """Refuse settings of a training that a head on frozen features does not have.

    Args:
        overrides: fields of TrainConfig that the user set.
        transfer: what the training starts from.
        track: trackers that the training is to be reported to.

    Raises:
        TrazoError: with their names.
    """
    names = [*overrides, *(["track"] if track else [])]
    if unused := [name for name in names if not transfer.finetune and name not in OF_HEAD]:
        raise TrazoError(
            f"{_as_options(unused)}: a head on frozen features has no such setting; add --finetune to train the network"
        )


def _as_options(names: list[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)
