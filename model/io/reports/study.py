"""study.json: the choices of a network, each measured on its own, with several seeds."""

from typing import Annotated, Literal

from pydantic import Field

from model.io.reports.data import DataSection
from model.io.reports.schema import MAX_ITEMS, Count, Name, Number, Report, Section, Share, Text, Values
from model.io.reports.trials import Objective, Subject

SCHEMA_VERSION = 1
MAX_LEVELS = 100  # of one choice
Series = Annotated[list[Number | None], Field(max_length=MAX_ITEMS)]


class Level(Section):
    """One value of a choice, with the runs of all seeds."""

    value: Text = Field(description="its name, unique within the choice")
    is_base: bool = Field(False, description="whether it is the base network")
    scores: Series = Field(description="measure of each seed's last epoch on the validation rows; null if it failed")
    mean: Number | None = Field(None, description="mean of the scores")
    low: Number | None = Field(None, description="lower end of the mean's 95 % interval; null with one score")
    high: Number | None = Field(None, description="upper end of the mean's 95 % interval")
    difference: Number | None = Field(None, description="mean minus the base's mean")
    p: Share | None = Field(
        None, description="of Welch's t-test against the base, by Holm's method for all values of the choice"
    )
    verdict: Literal["base", "better", "worse", "indistinguishable", "unknown", "not compared"] = Field(
        description="of the comparison at 5 %; not compared: a value of its group did better; unknown: too few scores"
    )
    group: Text = Field("", description="of its values only the best is compared, such as an optimizer's best rate")
    epochs: Number | None = Field(None, description="mean number of epochs trained")
    parameters: Count | None = Field(None, description="parameters of the network")
    seconds: Number | None = Field(None, description="time of training and validation of the fastest run, s")
    reason: Text | None = Field(None, description="why a run failed")
    curves: Annotated[dict[Name, Series], Field(max_length=10)] = Field(
        {}, description="measure -> mean over the seeds after each epoch, of training and validation rows"
    )


class Factor(Section):
    """One choice."""

    name: Name = Field(description="layers, neurons, activation, …")
    levels: Annotated[list[Level], Field(max_length=MAX_LEVELS)] = Field(description="its values")


class StudyReport(Report):
    """A study: one factor at a time from one base network."""

    schema_version: Count = Field(SCHEMA_VERSION, description="version of this format")
    measure: Objective = Field(description="what is compared, on the validation rows after the last epoch")
    dataset: Text = Field(description="Hub id or folder of the first dataset")
    revision: Text | None = Field(None, description="commit that was read; null for a folder")
    data: DataSection = Field(description="which rows were learned from and measured on")
    subject: Subject = Field(description="what the dataset decides about the network")
    base: Values = Field(description="architecture and training of the base network")
    epochs: Count = Field(description="epochs of a run")
    seeds: Count = Field(description="runs of each value that were asked for")
    runs: Count = Field(description="runs that have ended")
    factors: Annotated[list[Factor], Field(max_length=100)] = Field(description="in the course's order")
    environment: Values = Field({}, description="machine and versions")
