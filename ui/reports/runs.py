"""What can be compared on the page: the trials of a search, the values of a study, and the model itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from model.io.reports.study import Factor, Level, StudyReport
from model.io.reports.training import TrainingReport
from model.significance import two_shares_p, welch_p
from ui.i18n import UserError
from ui.reports.folder import ReportFolder
from ui.reports.search import Search, TrialView
from ui.reports.search_report import epoch_curves, measured_data

MAX_TRIALS = 500  # that can be compared, the best ones: a list of more would be too long for a page
MAX_P = 0.05  # of a difference that is more than chance
SHARE = "val_accuracy"  # the measure that is a share of right answers, whose chance is known from one run
MODEL_KEY, TRIAL_KEY, STUDY_KEY = "model", "trial", "study"  # how the keys of runs start
OTHER_KEY = "other:"  # before these, in another folder


@dataclass(frozen=True)
class Run:
    """A network that was trained once, or several times with different seeds.

    Attributes:
        key: what names it in dropdowns and in clicks: `trial:12`, `study:dropout:1` or `model`; of another folder
            `other:trial:12`.
        name: of a trial its number, of a study's value the value.
        settings: hyperparameter -> value.
        measure: name of what is compared.
        descending: whether more of it is better.
        scores: of the measure, one per seed.
        rows: images that each score was measured on; None if that is not known.
        measured_on: what the scores of two runs must have in common to be compared.
        curves: metric -> value after each epoch.
        parameters: of the network.
        seconds: of training and validation.
        rival: key of the run that it is best compared with: the best trial, or the study's base; of the best trial the
            next one.
        chosen_of: if it was chosen for its score, of how many.
        folder: name of the other folder that it is in; empty for those of the page's own.
    """

    key: str
    name: str
    settings: Mapping[str, Any]
    measure: str
    descending: bool
    scores: tuple[float, ...]
    rows: int | None
    measured_on: tuple[str, ...]
    curves: Mapping[str, tuple[float | None, ...]]
    parameters: int | None
    seconds: float | None
    rival: str = ""
    chosen_of: int | None = None
    folder: str = ""

    @property
    def kind(self) -> str:
        """`trial`, `study` or `model`."""
        return self._parts[0]

    @property
    def factor(self) -> str:
        """The choice that a study's value belongs to; empty for other runs."""
        return self._parts[1] if self.kind == STUDY_KEY else ""

    @property
    def _parts(self) -> list[str]:
        return self.key.removeprefix(OTHER_KEY).split(":")

    @property
    def mean(self) -> float | None:
        """The mean score."""
        return sum(self.scores) / len(self.scores) if self.scores else None


@dataclass(frozen=True)
class Comparison:
    """Which of two runs is better.

    Attributes:
        verdict: `differ`, `same` (not distinguishable), `untested` (one score each, whose chance is not known),
            `other_rows` (measured on different data) or `no_score`.
        p: of the test; None without one.
        first_is_better: of `differ`.
    """

    verdict: str
    p: float | None = None
    first_is_better: bool | None = None


def compare_runs(one: Run, other: Run) -> Comparison:
    """Return whether two runs differ by more than chance.

    With several seeds each, Welch's test of their scores; else the test of two shares, if the measure is one.
    """
    if one.mean is None or other.mean is None:
        return Comparison("no_score")
    if (one.measure, one.measured_on) != (other.measure, other.measured_on):
        return Comparison("other_rows")
    if min(len(one.scores), len(other.scores)) > 1:
        p = welch_p(one.scores, other.scores)
    elif one.measure == SHARE and one.rows and other.rows and max(one.mean, other.mean) <= 1:
        p = two_shares_p(one.mean, other.mean, one.rows, other.rows)
    else:
        return Comparison("untested")
    if p >= MAX_P:
        return Comparison("same", p)
    return Comparison("differ", p, (one.mean > other.mean) == one.descending)


def list_runs(reports: ReportFolder, compared: ReportFolder | None = None) -> dict[str, Run]:
    """Return the runs of a folder by their keys: trials from best to worst, the model, the values of a study.

    Args:
        reports: of the model that the page is about.
        compared: of another run; its runs come last.

    Raises:
        UserError: if there are fewer than two.
    """
    found, problems = _runs_in(reports)
    if compared:
        others, _ = _runs_in(compared)
        found += [
            replace(run, key=OTHER_KEY + run.key, rival=run.rival and OTHER_KEY + run.rival, folder=compared.name)
            for run in others
        ]
    if len(found) < 2:
        raise problems[0] if problems else UserError("too_few_trials")
    return {run.key: run for run in found}


def _runs_in(reports: ReportFolder) -> tuple[list[Run], list[UserError]]:
    """Return the runs of a folder, and why there are not more."""
    found, problems = list[Run](), list[UserError]()
    sources: tuple[Callable[[], list[Run]], ...] = (
        lambda: trial_runs(reports.search),
        lambda: [_model_run(reports.training)],
        lambda: study_runs(reports.study),
    )
    for read in sources:
        try:
            found += read()
        except UserError as error:
            problems.append(error)
    return found, problems


def trial_key(trial: TrialView) -> str:
    """Return the key of a trial, which a click on it selects."""
    return f"{TRIAL_KEY}:{trial.order}"


def level_key(factor: str, index: int) -> str:
    """Return the key of a value of a study."""
    return f"{STUDY_KEY}:{factor}:{index}"


def trial_runs(search: Search) -> list[Run]:
    """Return the trials of a search that have a score or are learning, from best to worst."""
    trials = [trial for trial in search.ranked().trials if trial.score is not None or trial.history][:MAX_TRIALS]
    best = [trial_key(trial) for trial in trials[:2]]
    return [_trial_run(search, trial, best[-1] if trial is trials[0] else best[0]) for trial in trials]


def study_runs(study: StudyReport) -> list[Run]:
    """Return the values of a study that have scores."""
    base = {
        factor.name: (level.value, level_key(factor.name, index))
        for factor in study.factors
        for index, level in enumerate(factor.levels)
        if level.is_base
    }
    return [
        _study_run(study, factor, index, level, base)
        for factor in study.factors
        for index, level in enumerate(factor.levels)
        if level.mean is not None
    ]


def _trial_run(search: Search, trial: TrialView, rival: str) -> Run:
    return Run(
        trial_key(trial),
        str(trial.order),
        trial.hyperparameters,
        search.objective,
        search.descending,
        () if trial.score is None else (trial.score,),
        search.rows,
        search.measured_on,
        trial.curves,
        trial.parameters,
        trial.seconds,
        rival,
        len(search.scored) if trial is search.best else None,
    )


def _model_run(report: TrainingReport) -> Run:
    measures = ("val_accuracy", "val_mean_absolute_error")
    history = report.history
    measure = next((name for name in measures if history and history[0].value(name) is not None), measures[0])
    best = next((epoch.value(measure) for epoch in history if epoch.epoch == report.best_epoch), None)
    settings = dict(report.hyperparameters)
    if isinstance(filters := settings.get("filters"), list):
        settings |= {"blocks": len(filters)}
    return Run(
        MODEL_KEY,
        "",
        settings,
        measure,
        measure == "val_accuracy",
        () if best is None else (best,),
        report.data.rows.validation or None,
        measured_data(report.data),
        epoch_curves(history, measure),
        report.parameters,
        report.seconds,
    )


def _study_run(
    study: StudyReport, factor: Factor, index: int, level: Level, base: Mapping[str, tuple[str, str]]
) -> Run:
    return Run(
        level_key(factor.name, index),
        level.value,
        {name: value for name, (value, _) in base.items()} | {factor.name: level.value},
        study.measure.name,
        study.measure.direction == "max",
        tuple(score for score in level.scores if score is not None),
        study.data.rows.validation or None,
        (*measured_data(study.data), "study"),  # after the last epoch; a search and a training take the best one
        {name: tuple(values) for name, values in level.curves.items()},
        level.parameters,
        level.seconds,
        base.get(factor.name, ("", ""))[1],
    )
