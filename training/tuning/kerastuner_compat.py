"""Everything that Trazo changes in KerasTuner, or uses of it, that is not public. Written for exactly one version.

Before updating KerasTuner, read what `PRIVATE_NAMES` lists in the new version, then change the version in
`training/requirements.txt`. `tests/unit/training/tuning/test_kerastuner_compat.py` checks that version and names agree.
"""

import json
from pathlib import Path
from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner
import keras_tuner.src.config
import keras_tuner.src.utils
import numpy as np
from keras_tuner import oracles
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.distribute import oracle_client
from keras_tuner.src.engine import conditions

from model.errors import CorruptFileError, TrazoError
from model.io.atomic import atomic_write, read_json

HINT_RESTART = "use another --output, or delete the folder tuner/ in it to start a new search"
# Owner -> names. Those of an oracle are set in its constructor.
PRIVATE_NAMES: dict[Any, tuple[str, ...]] = {
    keras_tuner.src.utils: ("save_json", "load_json"),
    keras_tuner.src.config: ("DEBUG",),
    oracle_client: ("TIMEOUT",),
    keras_tuner.Oracle: ("_retry_queue", "_max_collisions", "_seed_state", "_duplicate"),
    oracles.GridSearchOracle: ("_ordered_ids", "_populate_next"),
    oracles.BayesianOptimizationOracle: (
        "_random_state",
        "_vectorize_trials",
        "_random_populate_space",
        "_get_hp_bounds",
        "_nonfixed_space",
    ),
    BaseTuner: ("_run_and_update_trial", "_is_worker"),
}


def configure(request_timeout_s: float) -> None:
    """Change KerasTuner's behavior for this process. Importing this module changes nothing.

    Args:
        request_timeout_s: seconds that a worker waits for the chief; KerasTuner's own value is one hour.
    """
    # KerasTuner saves the oracle, the tuner and each trial with these two functions. Its own version writes into the
    # existing file: `kill -9` or a full disk in the middle would leave half a file, which no later start could read.
    keras_tuner.src.utils.save_json = _save_json
    keras_tuner.src.utils.load_json = load_json
    # A failed trial is reported in one line and in trials.json. With DEBUG, KerasTuner prints a traceback as well.
    keras_tuner.src.config.DEBUG = False
    # KerasTuner prints every condition of the search space with every message between chief and workers.
    conditions.print = lambda *_: None
    oracle_client.TIMEOUT = request_timeout_s


def _save_json(path: str, value: Any) -> str:
    text = json.dumps(value)
    atomic_write(path, text)
    return text


def load_json(path: str | Path) -> Any:
    """Return the content of one of the tuner's files.

    Raises:
        TrazoError: if the file is missing or damaged.
    """
    try:
        value = read_json(path)
    except CorruptFileError:
        value = None
    if value is None:
        raise TrazoError(f"{path} of an earlier search is missing or damaged; {HINT_RESTART}")
    return value


class OpenOracle(keras_tuner.Oracle):
    """An oracle whose private state has public names."""

    @property
    def retry_queue(self) -> list[str]:
        """Ids of the trials that run next, before any new one; may be changed."""
        return self._retry_queue

    @property
    def max_collisions(self) -> int:
        """How many times a point may be drawn that was tried before the space counts as exhausted."""
        return self._max_collisions

    def was_tried(self, values: dict[str, Any]) -> bool:
        """Return whether a trial had these values."""
        return self._duplicate(values)

    def next_draw_seed(self) -> int:
        """Return a number that is different in each call; KerasTuner saves it, so that a resumed search continues."""
        self._seed_state += 1
        return self._seed_state - 1


class OpenBayesianOracle(OpenOracle, oracles.BayesianOptimizationOracle):
    """A Bayesian oracle whose random state, and what it learns from a trial, can be set."""

    def learned_score(self, trial: Trial) -> float | None:
        """Return the score of a completed trial that the Gaussian process learns; may be overridden."""
        return trial.score

    def range_of(self, parameter: Any) -> tuple[float, float]:
        """Return between which quantiles of a hyperparameter's values the next point lies; may be overridden."""
        return 0.0, 1.0

    def random_point(self) -> dict[str, Any]:
        """Return a random point in the form of `populate_space`."""
        return self._random_populate_space()

    def _get_hp_bounds(self) -> np.ndarray:
        return np.array([self.range_of(parameter) for parameter in self._nonfixed_space()])

    def _vectorize_trials(self) -> tuple[np.ndarray, np.ndarray]:
        own = {trial: trial.score for trial in self.trials.values()}
        learned = {trial: self.learned_score(trial) for trial in own if trial.status == TrialStatus.COMPLETED}
        try:
            for trial, score in learned.items():
                trial.score = score
            return super()._vectorize_trials()
        finally:
            for trial, score in own.items():
                trial.score = score

    def reseed(self, seed: list[int]) -> None:
        """Start a new random sequence; KerasTuner does not save where the old one was."""
        self._random_state = np.random.RandomState(seed)


class OpenGridOracle(OpenOracle, oracles.GridSearchOracle):
    """A grid oracle whose place in the grid can be restored."""

    def restore_place(self) -> None:
        """Find the place in the grid again, which KerasTuner keeps only in memory.

        The successor of each trial in the grid was started after it.
        """
        for trial_id in self.start_order:
            self._ordered_ids.insert(trial_id)
        self._populate_next = list(self.end_order)


class OpenTuner(BaseTuner):
    """A tuner in which subclasses can replace how a trial is run and its score is saved."""

    @property
    def is_worker(self) -> bool:
        """Whether this process runs trials for a chief in another process."""
        return self._is_worker()

    def run_and_save_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> None:
        """Run a trial, which reports its measures itself. Of its errors, only `FatalError` ends the search."""
        self.run_trial(trial, *args, **kwargs)

    def _run_and_update_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> None:
        self.run_and_save_trial(trial, *args, **kwargs)
