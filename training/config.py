"""What a run can be told: data, training, search. Each field is a command-line option of the same name."""

from dataclasses import dataclass

from model.config import MAX_SIDE_PX
from model.errors import TrazoError
from training.augmentation.config import AugmentConfig

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd", "lion")
PRECISIONS = ("float32", "bfloat16")
SCHEDULES = ("one-cycle", "constant")
MAX_MISTAKES = 500  # that an evaluation keeps with their pictures
STRATEGIES = ("random", "bayesian", "hyperband", "grid")
# Fields of TrainConfig that a search has under another name.
OF_A_TRIAL = {"epochs": "trial_epochs", "steps_per_epoch": "trial_steps", "patience": "trial_patience"}
LARGEST_SEED = 2**32 - 1  # that NumPy, and so Keras, takes


@dataclass(frozen=True)
class DataConfig:
    """Which rows are learned from."""

    dataset: str  # Hub id owner/name, or a local folder in a Hub dataset repo's layout
    extra_datasets: tuple[
        str, ...
    ] = ()  # datasets whose rows follow those of the first; of these only defaults are used
    sketches: tuple[str, ...] = ()  # the same, of free drawings, which are prepared as `predict_sketch` does
    group_column: str | None = None  # rows of an equal value there are held out together, where a dataset has it
    config: str | None = None  # of a dataset with several configs
    revision: str | None = None  # branch, tag or commit on the Hub
    split: str = "train"  # what is trained on, less the rows held out
    test_split: str = "test"  # what is evaluated, once
    test_fraction: float = 0.1  # of `split`, held out before anything else where a dataset has no split named test
    image_column: str | None = None  # where the schema has several
    label_column: str | None = None  # where the schema leaves it open
    task: str | None = None  # binary, multiclass or regression; None: as the label column's type says
    image_size: int | None = None  # longer side of the network's input; None: that of the first picture, 128 at most
    validation_fraction: float = 0.1  # share of `split` held out by row id; early stopping and the search look at it
    on_error: str = "skip"  # rows without usable image or label: skip and report, or raise
    window_rows: int = 32768  # rows in the shuffle window; memory holds two windows of encoded images
    timeout: float = 10.0  # seconds of silence after which a request to the Hub is given up
    retries: int = 3  # of a failed request, after growing pauses
    cache_bytes: int = 0  # of downloaded rows that are kept on disk for the next epoch; 0 for none

    def __post_init__(self) -> None:
        """Refuse shares that leave one side empty."""
        for name in ("validation_fraction", "test_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise TrazoError(f"{name} is a share between 0 and 1, not {getattr(self, name)}")
        if self.image_size is not None and not 1 <= self.image_size <= MAX_SIDE_PX:
            raise TrazoError(f"image_size lies between 1 and {MAX_SIDE_PX} pixels, not {self.image_size}")


@dataclass(frozen=True)
class TrainConfig(AugmentConfig):
    """How a network is trained; the augmentation's fields are inherited."""

    epochs: int = 20  # at most; early stopping may end before
    steps_per_epoch: int | None = None  # batches after which an epoch ends; None for all
    batch_size: int = 128  # rows of a step
    optimizer: str = "adamw"  # one of OPTIMIZERS
    learning_rate: float = 2e-3  # the highest of the schedule
    weight_decay: float = 1e-2  # of adamw and lion, decoupled from the gradient; unused by the others
    schedule: str = "one-cycle"  # up linearly for a tenth of the steps, down to 0 by a cosine; or constant
    loss: str = ""  # one that suits the task (model/heads.py); empty: the task's default
    label_smoothing: float = 0.0  # for cross-entropies
    ema_momentum: float = 0.0  # decay a step of a moving average of the weights, which then is the result; 0 for none
    precision: str = "float32"  # of the arithmetic; bfloat16 is faster on processors that have it, others use float32
    patience: int = 6  # epochs without a better validation loss before training stops
    seed: int = 0  # of the order, the augmentation, the weights and the dropout

    def __post_init__(self) -> None:
        """Refuse what is unknown or out of range."""
        super().__post_init__()
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                raise TrazoError(f"unknown {name} {getattr(self, name)!r}; there are {', '.join(choices)}")
        for name, low, high in (
            ("epochs", 1, 100_000),
            ("batch_size", 1, 1_000_000),
            ("patience", 1, 100_000),
            ("steps_per_epoch", 1, 1_000_000_000),
            ("learning_rate", 1e-9, 100),
            ("weight_decay", 0, 10),
            ("label_smoothing", 0, 0.9),
            ("ema_momentum", 0, 0.99999),
            ("seed", 0, LARGEST_SEED),
        ):
            if getattr(self, name) is not None and not low <= getattr(self, name) <= high:
                raise TrazoError(f"{name} must lie between {low} and {high}, not {getattr(self, name)}")


@dataclass(frozen=True)
class TuneConfig:
    """How hyperparameters are searched."""

    # At most, for every strategy. Hyperband's plan is over after 6 trials where trial_epochs is 3, after 23 where it is
    # 9; it begins with the short ones and, cut off by a smaller number, may come to none of full length.
    trials: int = 5
    strategy: str = "random"  # one of STRATEGIES
    trial_epochs: int = 3  # length of a trial; hyperband gives its best ones this many, the others fewer
    trial_steps: int | None = None  # batches of a trial's epoch; None for all
    trial_patience: int | None = None  # epochs without a better validation loss before a trial stops; None: no end
    search: tuple[str, ...] = ()  # names of what is searched, the rest keeping its default; none: everything
    minutes: float | None = None  # after which no trial begins, and a running one is left for the next call
    max_params: int | None = (
        None  # of a network; larger ones are not tried, but of a grid, whose order has no gaps: there they fail
    )
    worker_timeout: float = 60.0  # seconds of silence after which a worker's trial goes to another
    seed: int = 0  # of the search; KerasTuner gets the next one, for it takes 0 for "none"

    def __post_init__(self) -> None:
        """Refuse what is unknown or out of range."""
        if self.strategy not in STRATEGIES:
            raise TrazoError(f"unknown strategy {self.strategy!r}; there are {', '.join(STRATEGIES)}")
        for name in ("trials", "trial_epochs", "trial_steps", "trial_patience", "max_params"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise TrazoError(f"{name} is at least 1, not {value}")
        for name in ("minutes", "worker_timeout"):
            if (value := getattr(self, name)) is not None and not 0 < value < float("inf"):
                raise TrazoError(f"{name} is a time above 0, not {value}")
        if self.strategy == "hyperband" and self.trial_epochs < 3:
            raise TrazoError(
                f"hyperband tries points for a third of trial_epochs first: give 3 or more, not {self.trial_epochs}"
            )
        if not 0 <= self.seed < LARGEST_SEED:
            raise TrazoError(f"seed of a search must lie between 0 and {LARGEST_SEED - 1}, not {self.seed}")
