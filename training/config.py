"""Every option of the command line, declared once: `training.options` derives checks, parser and docs/cli.md."""

from dataclasses import dataclass, field
from pathlib import Path

from model.artifacts import EXPORT_FORMATS
from model.errors import TrazoError
from model.heads import HEADS, OBJECTIVES
from model.limits import MAX_MISTAKES, MAX_SIDE_PX
from model.pixel_format import BACKGROUND_NAMES
from model.views import VIEWS
from training.augmentation.config import AugmentConfig
from training.optimizers import OPTIMIZERS
from training.options import Validated, option
from training.presets import PRESETS

PRECISIONS = ("float32", "bfloat16")
SCHEDULES = ("one-cycle", "constant")
CLASS_WEIGHTS = ("balanced",)
LAYOUTS = ("splits", "classes", "outer")  # of a folder of images, see `training.data.folders.layout`
TRACKERS = ("trackio", "tensorboard", "mlflow")
STRATEGIES = ("random", "bayesian", "hyperband", "grid")
MAX_SEEDS = 100  # runs of one value in a study
MAX_TRIALS = 30  # of a search for which no number was given
SEARCH_PATIENCE = 6  # trials without a gain, after which such a search ends
MIN_HYPERBAND_EPOCHS = 3  # of a trial
MAX_PARALLEL = 64  # trials at the same time
MAX_WORKERS = 64  # of a training, on one machine
MAX_SEED = 2**32 - 1  # the largest that NumPy, and so Keras, accepts
# Fields of TrainConfig that a search has under another name.
TRIAL_OPTIONS = {"epochs": "trial_epochs", "steps_per_epoch": "trial_steps", "patience": "trial_patience"}


# --- What several verbs share ---


@dataclass(frozen=True)
class DataConfig(Validated):
    """The dataset, its splits and how it is read."""

    dataset: str = option(
        repeat=True,
        help="Hub id owner/name, or a folder of images or in a Hub repo's layout; several are concatenated",
    )
    # Named by more `--dataset`s. Only the defaults are used for these.
    extra_datasets: tuple[str, ...] = field(default=())
    sketches: tuple[str, ...] = option(
        (), repeat=True, metavar="DATASET", help="a dataset of free drawings of any size and polarity"
    )
    group_column: str | None = option(
        None, help="column whose equal values, such as one writer's rows, are held out together"
    )
    config: str | None = option(None, help="config of a dataset with several")
    revision: str | None = option(None, unset="the main branch", help="branch, tag or commit on the Hub")
    layout: str | None = option(
        None,
        choices=LAYOUTS,
        unset="decided, and printed",
        help="of a folder of images: its outermost folders are splits; or there are only classes, named by the folder "
        "nearest to an image; or by the outermost one",
    )
    split: str = option("train", help="split to train on, without the rows held out")
    test_split: str = option(
        "test", help="split that is evaluated, once; held-out: a share of --split, also if there is a split named test"
    )
    test_fraction: float = option(
        0.1, low=0, high=1, exclusive=True, help="share of the rows held out for the test if no split is named test"
    )
    no_scan: bool = option(
        False, help="do not read every row once before anything is decided; rows are then held out by their number"
    )
    classes: tuple[str, ...] = option(
        (),
        metavar="CLASS",
        unset="all",
        help="a part of the data: only rows of these classes; the order given is that of the model's labels",
    )
    max_rows: int | None = option(
        None,
        low=1,
        metavar="N",
        unset="all",
        help="a part of the data: N rows of the split to train on, before rows are held out, and of a split named "
        "validation; chosen by a hash of the image, so about the same ones when rows are added",
    )
    image_column: str | None = option(None, unset="the only one", help="column of images")
    label_column: str | None = option(
        None, unset="the one of class labels, or called label, class, target, …", help="column of labels"
    )
    task: str | None = option(
        None,
        choices=tuple(HEADS),
        unset="regression for numbers with fractions, else classes",
        help="what the labels are",
    )
    image_size: int | None = option(
        None,
        low=1,
        high=MAX_SIDE_PX,
        unset="that of most images, 128 at most",
        help="longer side of the network's input, in pixels",
    )
    color: str | None = option(
        None, choices=("gray", "rgb"), unset="as most images are", help="color of the network's input"
    )
    background: str | None = option(
        None, choices=tuple(BACKGROUND_NAMES), unset="what hides no image", help="what transparent images are placed on"
    )
    bits: int | None = option(
        None,
        low=8,
        high=16,
        unset="those of the brightest value",
        help="bits that images of 16 bits really use",
    )
    validation_fraction: float = option(
        0.1,
        low=0,
        high=1,
        exclusive=True,
        help="share of the rows held out for early stopping and the search if no split is named validation",
    )
    on_error: str = option(
        "skip", choices=("skip", "raise"), help="rows without a usable image or label: skip and report them, or stop"
    )
    window_rows: int = option(
        32768, low=1, help="rows in the shuffle window; memory holds two windows of encoded images"
    )
    timeout: float = option(10.0, low=0, exclusive=True, help="seconds of silence after which a request is given up")
    retries: int = option(3, low=0, help="how often a failed request is repeated, after growing pauses")
    cache_bytes: int = option(0, low=0, unset="none", help="bytes of downloaded rows kept on disk for the next epoch")

    def __post_init__(self) -> None:
        """Check every field, and that the classes are at least two.

        Raises:
            TrazoError: if a value is unknown or out of range.
        """
        super().__post_init__()
        if len(set(self.classes)) == 1:
            raise TrazoError(f"--classes {self.classes[0]} is one class; at least two are needed")


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
        help="drawings that are not digits, about which a network of the digits 0 to 9 learns to be undecided, and its "
        "detector what to reject",
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
class TuneConfig(Validated):
    """How hyperparameters are searched."""

    # Hyperband plans 6 trials if trial_epochs is 3, and 23 if it is 9. It starts with the short ones: with a smaller
    # number of trials, none may have the full length.
    trials: int | None = option(
        None, low=1, unset=f"{MAX_TRIALS}, or fewer if they gain nothing, see --search-patience", help="trials at most"
    )
    strategy: str = option("bayesian", choices=STRATEGIES, help="how the next point is chosen")
    search_patience: int | None = option(
        None,
        low=1,
        unset=f"{SEARCH_PATIENCE} without --trials, else none",
        help="trials in a row that are not better than the best one, after which the search ends; presets do not count",
    )
    full_trials: bool = option(
        False, help="train every trial to its end; else one stops early if it is not among the best of its age"
    )
    trial_epochs: int | None = option(
        None,
        low=1,
        unset="decided by the number of images, and printed",
        help="epochs of a trial; hyperband gives only its best trials this many",
    )
    trial_steps: int | None = option(
        None, low=1, unset="all if --trial-epochs is given, else decided", help="batches of a trial's epoch"
    )
    trial_patience: int | None = option(
        None, low=1, unset="none", help="epochs without a better validation loss after which a trial stops"
    )
    search: tuple[str, ...] = option(
        (),
        metavar="NAME",
        unset="those that change a good recipe",
        help="hyperparameters to search, or all; the others keep the values of the preset",
    )
    warm_start: Path | None = option(
        None, metavar="RUN", unset="none", help="a run whose best trial is one of the first; its space must be the same"
    )
    minutes: float | None = option(
        None,
        low=0,
        exclusive=True,
        unset="none",
        help="minutes of this call; a search starts no trial after them, and `run` trains within them too",
    )
    parallel: int = option(
        1, low=1, high=MAX_PARALLEL, help="trials at the same time on this machine, one per GPU if there are some"
    )
    # A grid has to keep its order without gaps: there, larger networks are tried and fail.
    max_params: int | None = option(None, low=1, unset="none", help="parameters of a network at most")
    worker_timeout: float = option(
        60.0, low=0, exclusive=True, help="seconds of silence after which a worker's trial goes to another worker"
    )
    objective: str | None = option(
        None,
        choices=tuple(OBJECTIVES),
        unset="accuracy; of a regression mean_absolute_error",
        help="what trials are compared by, on the validation rows: one of the task's",
    )
    seed: int = option(0, low=0, high=MAX_SEED - 1, help="seed of the search")  # KerasTuner gets the next one

    def __post_init__(self) -> None:
        """Check every field, and that hyperband has enough epochs.

        Raises:
            TrazoError: if a value is unknown or out of range.
        """
        super().__post_init__()
        if self.strategy == "hyperband" and 0 < (self.trial_epochs or 0) < MIN_HYPERBAND_EPOCHS:
            raise TrazoError(
                f"hyperband tries points for a third of trial_epochs first: give {MIN_HYPERBAND_EPOCHS} or more, "
                f"not {self.trial_epochs}"
            )

    @property
    def max_trials(self) -> int:
        """Trials at most."""
        return self.trials or MAX_TRIALS

    @property
    def max_trials_without_gain(self) -> int | None:
        """Trials in a row that gain nothing, after which the search ends; None for any number."""
        return self.search_patience or (None if self.trials else SEARCH_PATIENCE)


@dataclass(frozen=True)
class StudyConfig(Validated):
    """How long each run of a study is, and how many there are."""

    epochs: int = option(20, low=2, high=1000, help="epochs of a run; enough of them show overfitting")
    seeds: int = option(5, low=1, high=MAX_SEEDS, help="runs of each value; may be raised later")
    minutes: float | None = option(
        None, low=0, exclusive=True, unset="none", help="minutes of this call, after which no run starts"
    )
    factors: tuple[str, ...] = option((), metavar="NAME", unset="all", help="choices to compare")


@dataclass(frozen=True)
class OutputConfig(Validated):
    """Where a run is written."""

    output: Path = option(help="folder of the run")
    track: tuple[str, ...] = option(
        (),
        choices=TRACKERS,
        unset="none",
        help="trackers that every epoch is reported to; TensorBoard's files are written to --output",
    )


# --- What a single verb has ---


@dataclass(frozen=True)
class WorkersConfig(Validated):
    """How many processes of this machine train together."""

    workers: int = option(
        1,
        low=1,
        high=MAX_WORKERS,
        help="processes of this machine that train one network together, one per GPU if there are some",
    )
    restarts: int = option(
        0, low=0, help="how often the workers are started again after one of them was ended from outside"
    )


@dataclass(frozen=True)
class InspectConfig(Validated):
    """What is inspected, and how it is shown."""

    dataset: str = option(
        positional=True, metavar="DATASET", help="Hub id owner/name, or a folder or archive of images"
    )
    json: bool = option(False, help="print the report as JSON, as a run keeps it in data.json")
    html: Path | None = option(
        None, metavar="FILE", unset="none", help="also write a page with images; it needs no network and has no script"
    )


@dataclass(frozen=True)
class RemoteConfig(Validated):
    """On which machine it runs."""

    on: str | None = option(
        None,
        metavar="HARDWARE",
        unset="this machine",
        help="rent a machine of Hugging Face Jobs: cpu-upgrade, t4-small, a10g-small, …; an unknown one lists all",
    )
    push_to: str | None = option(None, metavar="REPO", unset="none", help="owner/name that it publishes the run to")
    private: bool = option(False, help="make that repo private if it is new")
    license: str | None = option(None, metavar="ID", unset="none", help="license for the card, as on the Hub")
    yes: bool = option(False, help="rent it without being asked")

    def __post_init__(self) -> None:
        """Check every field, and that a rented machine knows where to publish.

        Raises:
            TrazoError: if one is missing, or has no meaning on this machine.
        """
        super().__post_init__()
        if self.on and not self.push_to:
            raise TrazoError("a rented machine does not keep the run: give --push-to owner/name, which it publishes to")
        if not self.on and (self.push_to or self.private or self.license or self.yes):
            raise TrazoError("--push-to, --private, --license and --yes are for a rented machine: give --on, too")


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
class TrialsConfig(Validated):
    """Which trials are shown, and how."""

    run: Path = option(positional=True, metavar="RUN", help="folder of the run")
    best: int | None = option(None, low=1, metavar="N", unset="all", help="show only the best N")
    csv: bool = option(False, help="print every trial as CSV, in the order tried")


def _average_views() -> str | None:
    return option(
        None,
        choices=tuple(VIEWS),
        unset="the image alone",
        help="views of an image whose answers are averaged (test-time augmentation, TTA): mirrored, shifted or both",
    )


@dataclass(frozen=True)
class EvaluateConfig(Validated):
    """What is measured."""

    model: str = option(help="folder or Hub id of a model")
    split: str | None = option(None, unset="as for the training", help="split to measure on")
    output: Path | None = option(None, unset="the model's folder", help="where evaluation.json is written")
    mistakes: int = option(
        0,
        low=0,
        high=MAX_MISTAKES,
        metavar="N",
        help="keep the N most confident mistakes with their images for the demo; they are published with the model",
    )
    average_views: str | None = _average_views()


@dataclass(frozen=True)
class PredictConfig(Validated):
    """What is predicted, and where the answers are written."""

    data: str = option(
        positional=True,
        metavar="DATA",
        help="an image, a folder or archive of images, a Hub id, or a folder in a Hub repo's layout; labels are not "
        "needed",
    )
    model: str = option(help="folder or Hub id of a model")
    output: Path = option(help="file that receives the answers, .csv or .jsonl")
    split: str | None = option(
        None, unset="test; of a folder all images", help="split of a dataset, or of a folder with folders of splits"
    )
    config: str | None = option(None, help="config of a dataset with several")
    revision: str | None = option(None, unset="the main branch", help="branch, tag or commit of a dataset on the Hub")
    image_column: str | None = option(None, unset="the only one", help="column of images")
    sketches: bool = option(False, help="the images are free drawings of any size and polarity")
    probabilities: bool = option(False, help="also write the probability of each class")
    average_views: str | None = _average_views()


@dataclass(frozen=True)
class PublishConfig(Validated):
    """What is published, and where."""

    run: Path = option(positional=True, metavar="RUN", help="folder of the run")
    repo: str = option(help="owner/name on the Hub")
    private: bool = option(False, help="make the repo private if it is new")
    revision: str | None = option(
        None, metavar="BRANCH", unset="the main branch", help="branch; a new one starts from the main branch"
    )
    create_pr: bool = option(False, help="open a pull request")
    license: str | None = option(
        None, metavar="ID", unset="none", help="license for the card, as on the Hub: apache-2.0, mit, …"
    )
    seeds: tuple[Path, ...] = option(
        (), metavar="RUN", help="runs of the same recipe with other seeds; the card lists their results too"
    )
    grid_intensity: float | None = option(
        None,
        low=0,
        metavar="G",
        unset="not known, so no emissions are stated",
        help="g of CO2e that a kWh of the electricity of the training caused; the card then states its emissions",
    )
    place: str | None = option(None, unset="not stated", help="where that electricity was used, for the card")
    supersedes: str | None = option(
        None, metavar="REPO", unset="none", help="owner/name of an older model of yours, whose card then names this one"
    )

    def __post_init__(self) -> None:
        """Check every field, and that a place belongs to an intensity.

        Raises:
            TrazoError: if a value is unknown or out of range.
        """
        super().__post_init__()
        if self.place and self.grid_intensity is None:
            raise TrazoError("--place says where the electricity of --grid-intensity was used: give both")


@dataclass(frozen=True)
class ExportConfig(Validated):
    """What is exported."""

    run: Path = option(positional=True, metavar="RUN", help="folder of the run")
    to: tuple[str, ...] = option(
        choices=tuple(EXPORT_FORMATS),
        help="onnx for browsers and servers, litert for phones, c for microcontrollers, html for a page; int8: smaller",
    )
    dataset: str | None = option(
        None,
        unset="that of evaluation.json",
        help="dataset whose splits the exported network is checked and calibrated on",
    )


@dataclass(frozen=True)
class DeployConfig(Validated):
    """What is deployed, and where."""

    model: str = option(help="owner/name of a published model; with --local also a folder")
    repo: str | None = option(None, help="owner/name of the Space")
    revision: str | None = option(
        None, unset="the newest", help="branch, tag or commit of the model that the Space stays at"
    )
    private: bool = option(False, help="make the Space private if it is new")
    models: tuple[str, ...] = option(
        (),
        repeat=True,
        metavar="MODEL",
        help="another model that the demo opens by ?model=owner/name; owner/* for all of an owner, '*' for all",
    )
    hardware: str | None = option(
        None, unset="the Space's own; cpu-basic if it is new", help="the Space's machine; its price is printed"
    )
    secret: tuple[str, ...] = option(
        (), repeat=True, metavar="NAME=VALUE", help="a secret of the Space; without a value, the variable's here"
    )
    no_wait: bool = option(False, help="do not wait until the Space is built and runs")
    local: bool = option(False, help="serve the demo on this machine, in a separate environment")
    output: Path | None = option(
        None, unset="not kept; with --local runs/space", help="folder that receives the Space's files"
    )


@dataclass(frozen=True)
class CacheConfig(Validated):
    """What lies in the cache, and what is removed."""

    action: str | None = option(
        None, positional=True, metavar="clear", unset="list what is there", help="clear: remove it"
    )
    what: str | None = option(
        None,
        positional=True,
        metavar="WHAT",
        unset="everything",
        help="copies, scans, features, pixels, rows, footers, or a dataset's id or folder",
    )
    older_than: float | None = option(
        None, low=0, metavar="DAYS", unset="any", help="only what was not used for so many days"
    )
