"""How hyperparameters are searched, and choices are compared."""

from dataclasses import dataclass
from pathlib import Path

from model.errors import TrazoError
from model.heads import OBJECTIVES
from training.config.training import MAX_SEED
from training.options import Validated, option

STRATEGIES = ("random", "bayesian", "hyperband", "grid")
MAX_SEEDS = 100  # runs of one value in a study
MAX_TRIALS = 30  # of a search for which no number was given
SEARCH_PATIENCE = 6  # trials without a gain, after which such a search ends
MIN_HYPERBAND_EPOCHS = 3  # of a trial
MAX_PARALLEL = 64  # trials at the same time
# Fields of TrainConfig that a search has under another name.
TRIAL_OPTIONS = {"epochs": "trial_epochs", "steps_per_epoch": "trial_steps", "patience": "trial_patience"}


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
        help="minutes after which a call of `tune` starts no trial; for `run`, those of search and training together, "
        "over all its calls with the same minutes",
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
        unset="accuracy; for a regression mean_absolute_error",
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
class TrialsConfig(Validated):
    """Which trials are shown, and how."""

    run: Path = option(positional=True, metavar="RUN", help="folder of the run")
    best: int | None = option(None, low=1, metavar="N", unset="all", help="show only the best N")
    csv: bool = option(False, help="print every trial as CSV, in the order tried")
