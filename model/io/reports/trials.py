"""trials.json: a search for hyperparameters. docs/trials.md describes every field for readers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from model.io.reports.data import DataSection
from model.io.reports.schema import (
    MAX_ITEMS,
    Count,
    LongText,
    Name,
    Number,
    Report,
    Section,
    Text,
    Time,
    Value,
    Values,
)
from model.io.reports.training import History
from model.io.trials import LEARNING_RATE, get_optimizer
from model.limits import MAX_LABELS

SCHEMA_VERSION = 2


class Objective(Section):
    """What trials are compared by."""

    name: Name = Field(description="metric on the validation rows")
    direction: Literal["max", "min"] = Field(description="whether more or less of it is better")


class Budget(Section):
    """Limits of a search; null where there is none."""

    trials: Count | None = Field(None, description="trials at most")
    search_patience: Count | None = Field(None, description="trials without a gain that end the search")
    full_trials: bool | None = Field(None, description="whether no trial is stopped early")
    minutes: Number | None = Field(None, description="time after which no trial starts, min")
    max_params: Count | None = Field(None, description="parameters of a network at most")
    trial_epochs: Count | None = Field(None, description="epochs of a trial at most")
    trial_steps: Count | None = Field(None, description="batches per epoch")
    trial_patience: Count | None = Field(None, description="epochs without a better validation loss that end a trial")


class Subject(Section):
    """What the dataset decides about a network."""

    labels: Annotated[list[Text], Field(max_length=MAX_LABELS)] = Field(description="names of the classes")
    task: Name = Field(description="binary, multiclass or regression")
    image_shape: Annotated[list[Count], Field(min_length=3, max_length=3)] = Field(
        description="height and width in px, channels"
    )


class PresetSection(Section):
    """A preset as it was when the search started."""

    architecture: Values = Field(description="of its network")
    training: Values = Field(description="how it trains")


class Parameter(Section):
    """A hyperparameter that a search varies: a choice has `values`, a range `low`, `high` and `scale`."""

    name: Name = Field(description="its name")
    low: Number | None = Field(None, description="lower end of a range")
    high: Number | None = Field(None, description="upper end of a range")
    scale: Literal["linear", "log", "reverse_log"] | None = Field(None, description="how a range is sampled")
    values: Annotated[list[Value], Field(max_length=5_000)] | None = Field(None, description="what can be chosen")
    default: Value = Field(None, description="its value where it is not searched")
    when: Annotated[dict[Name, list[Value]], Field(max_length=100)] = Field(
        {}, description="values of other hyperparameters with which alone it exists"
    )

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.values is None and None in (self.low, self.high, self.scale):
            raise ValueError("there are neither values nor low, high and scale")
        return self


class Trial(Section):
    """One trial."""

    trial_id: Text = Field(description="a number as text")
    status: Name = Field(description="COMPLETED, FAILED, or RUNNING, which in a stopped search means interrupted")
    reason: LongText | None = Field(None, description="why it failed, in one line")
    stopped: LongText | None = Field(
        None, description="after which epoch and why it was stopped before its full length, in one line"
    )
    origin: Text | None = Field(None, description="of a known first point: its preset, or the run it comes from")
    hyperparameters: Values = Field(description="name -> value, those that exist for this trial")
    score: Number | None = Field(None, description="objective of the best epoch")
    history: History | None = Field([], description="one object per epoch")
    parameters: Count | None = Field(None, description="parameters of the network")
    started: Time | None = Field(None, description="UTC, ISO 8601")
    ended: Time | None = Field(None, description="UTC, ISO 8601; an interruption may lie in between")
    seconds: Number | None = Field(None, description="time of training and validation over all starts, s")
    seed: Count | None = Field(None, description="seed of weights, order, augmentation and dropout")

    def with_one_learning_rate(self) -> Values:
        """Return the hyperparameters with `learning_rate` instead of the name that its optimizer gives it."""
        values = dict(self.hyperparameters)
        optimizer = values.get("optimizer")
        for name in self.hyperparameters:
            owner = get_optimizer(name)
            if owner is not None and optimizer in (None, owner):
                values[LEARNING_RATE] = values.pop(name)
        return values


class ImportanceValue(Section):
    """How much one hyperparameter matters."""

    name: Name = Field(description="the hyperparameter")
    importance: Number = Field(description="increase of the squared error, in units of the scores' variance")
    std: Number = Field(description="standard deviation over folds and permutations")


class Importance(Section):
    """How much each hyperparameter matters, as a random forest that learned the scores shows it."""

    method: Text | None = Field(None, description="name of the method")
    trials: Count = Field(description="trials that it was measured on")
    r2: Number | None = Field(None, description="share of the variance that the forest explains on left-out trials")
    values: Annotated[list[ImportanceValue], Field(max_length=100)] = Field(description="most important first")


class TrialsReport(Report):
    """A search for hyperparameters."""

    schema_version: Count = Field(SCHEMA_VERSION, description="version of this format")
    objective: Objective = Field(description="what trials are compared by")
    strategy: Name | None = Field(None, description="random, bayesian, hyperband or grid")
    dataset: Text = Field(description="Hub id or folder of the first dataset")
    revision: Text | None = Field(None, description="commit that was read; null for a folder")
    data: DataSection | None = Field(None, description="which rows the scores are from")
    seed: Count | None = Field(None, description="seed of the search")
    budget: Budget | None = Field(None, description="limits of the search")
    subject: Subject | None = Field(None, description="what the dataset decides about the network")
    overrides: Values | None = Field(
        None, description="training options that the user chose and that were not searched"
    )
    searched: Annotated[list[Name], Field(max_length=100)] | None = Field(
        None, description="names given by --search; none: all of them"
    )
    presets: Annotated[dict[Name, PresetSection], Field(max_length=100)] | None = Field(
        None, description="what a point has that it does not set, by its preset; the first is the default"
    )
    space: Annotated[list[Parameter], Field(max_length=100)] | None = Field(None, description="what was varied")
    trials: Annotated[list[Trial], Field(max_length=MAX_ITEMS)] = Field(description="in the order tried")
    best_trial: Text | None = Field(None, description="trial_id of the best trial; of equals the first")
    chosen_trial: Text | None = Field(
        None,
        description="trial_id of what is trained: the best trial, a preset that may be as good, or a faster network",
    )
    chosen_because: Text | None = Field(None, description="why it is not the best one; null if it is")
    importance: Importance | None = Field(None, description="null until the search has ended, or with too few trials")

    @model_validator(mode="after")
    def _check_best_trial(self) -> Self:
        if self.best_trial is not None and self.best is None:
            raise ValueError("best_trial is not among the trials")
        return self

    @property
    def best(self) -> Trial | None:
        """The best trial; None if none has completed."""
        return next((trial for trial in self.trials if trial.trial_id == self.best_trial), None)

    @property
    def chosen(self) -> Trial | None:
        """The trial whose settings are trained; None if none has completed."""
        return next((trial for trial in self.trials if trial.trial_id == self.chosen_trial), self.best)
