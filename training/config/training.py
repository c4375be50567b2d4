"""How a network is trained, from what it starts, and by which processes."""

from dataclasses import dataclass, field

from model.errors import TrazoError
from training.augmentation.config import AugmentConfig
from training.optimizers import OPTIMIZERS
from training.options import Validated, option
from training.presets import PRESETS

PRECISIONS = ("float32", "bfloat16")
SCHEDULES = ("one-cycle", "constant")
CLASS_WEIGHTS = ("balanced",)
MAX_WORKERS = 64  # of a training, on one machine
MAX_SEED = 2**32 - 1  # the largest that NumPy, and so Keras, accepts


@dataclass(frozen=True)
class TrainConfig(AugmentConfig):
    """How a network is trained. The fields of the augmentation are inherited."""

    epochs: int = option(20, low=1, high=100_000, help="epochs at most; early stopping may end the training before")
    steps_per_epoch: int | None = option(
        None, low=1, high=1_000_000_000, unset="all", help="batches after which an epoch ends"
    )
    batch_size: int = option(128, low=1, high=1_000_000, help="rows per step")
    optimizer: str = option("adamw", choices=tuple(OPTIMIZERS), help="the optimizer")
    learning_rate: float = option(2e-3, low=1e-9, high=100, help="the highest learning rate of the schedule")
    weight_decay: float = option(
        1e-2, low=0, high=10, help="decoupled weight decay of adamw and lion; the others do not use it"
    )
    schedule: str = option(
        "one-cycle",
        choices=SCHEDULES,
        help="up linearly for a tenth of the steps and down to 0 by a cosine; or constant",
    )
    loss: str = option("", unset="the task's default", help="a loss that suits the task; an unknown one lists them")
    label_smoothing: float = option(0.0, low=0, high=0.9, help="label smoothing of cross-entropies")
    class_weights: str | None = option(
        None,
        choices=CLASS_WEIGHTS,
        unset="all rows count the same",
        help="how much a row counts in the loss; balanced: rows of rare classes more, so that classes count the same",
    )
    class_weight_values: tuple[float, ...] = field(default=())  # one per class; from the training rows
    outliers: int = option(
        0,
        low=0,
        high=200_000,
        unset="none",
        help="drawings that are not digits, about which a network of the digits 0 to 9 learns to be undecided; it "
        "rejects what it is undecided about",
    )
    ema_momentum: float = option(
        0.0, low=0, high=0.99999, unset="none", help="decay per step of a moving average of the weights"
    )
    precision: str = option(
        "float32", choices=PRECISIONS, help="arithmetic; processors without bfloat16 use float32 instead"
    )
    patience: int = option(
        6, low=1, high=100_000, help="epochs without a better validation loss after which the training stops"
    )
    seed: int = option(
        0, low=0, high=MAX_SEED, help="seed of the order, the augmentation, the weights, the dropout and the search"
    )


@dataclass(frozen=True)
class PresetConfig(Validated):
    """Where the hyperparameters come from."""

    preset: str | None = option(
        None,
        choices=tuple(PRESETS),
        unset="the best trial of the search in --output; or photo for photographs, otherwise default",
        help="architecture and recipe",
    )


@dataclass(frozen=True)
class TransferConfig(Validated):
    """What a training starts from instead of random weights."""

    backbone: str | None = option(
        None,
        metavar="REPO",
        unset="none",
        help="a pretrained network in timm's layout, a Hub id or a folder; a head is fitted on its features",
    )
    finetune: bool = option(False, help="train the backbone, too, after the head")
    start_from: str | None = option(
        None,
        metavar="MODEL",
        unset="random weights",
        help="a model of Trazo, a Hub id or a folder, whose network and weights the training starts from",
    )

    def __post_init__(self) -> None:
        """Check every field, and that they suit each other.

        Raises:
            TrazoError: if two exclude each other, or one needs another.
        """
        super().__post_init__()
        if self.backbone and self.start_from:
            raise TrazoError("--backbone and --start-from exclude each other: give the one whose weights you want")
        if self.finetune and not self.backbone:
            raise TrazoError("--finetune trains the network of --backbone: give one")


@dataclass(frozen=True)
class WorkersConfig(Validated):
    """How many processes of this machine train together."""

    workers: int = option(
        1,
        low=1,
        high=MAX_WORKERS,
        help="processes of this machine that train one network together, one per GPU if there are some",
    )
    restarts: int | None = option(
        None, low=0, unset="0", help="how often the workers are started again after one of them was ended from outside"
    )

    def __post_init__(self) -> None:
        """Check every field, and that there is something to start again.

        Raises:
            TrazoError: if a value is out of range, or `restarts` is given without several workers.
        """
        super().__post_init__()
        if self.restarts is not None and self.workers == 1:
            raise TrazoError("--restarts starts the processes of --workers again: give --workers 2 or more")
