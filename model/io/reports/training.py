"""training.json: how a model was trained, on what, and how it went."""

from typing import Annotated

from pydantic import ConfigDict, Field

from model.io.reports.data import DataSection
from model.io.reports.schema import MAX_ITEMS, Count, LongText, Name, Number, Report, Section, Text, Time, Values
from model.limits import MAX_LABELS

SCHEMA_VERSION = 1
MAX_DATASETS = 20  # of a starting point


class Epoch(Section):
    """One epoch of a history. Further metrics, each a number or null, may follow."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Name, Number | None] = Field(init=False)

    epoch: Annotated[int, Field(ge=0, le=MAX_ITEMS)] = Field(description="number of the epoch, from 1")
    loss: Number | None = Field(None, description="mean training loss; null if it was not finite")
    accuracy: Number | None = Field(None, description="share of correct training answers, 0 to 1; not of a regression")
    mean_absolute_error: Number | None = Field(None, description="training error of a regression, in the label's unit")
    val_loss: Number | None = Field(None, description="mean validation loss")
    val_accuracy: Number | None = Field(None, description="share of correct validation answers, 0 to 1")
    val_mean_absolute_error: Number | None = Field(None, description="validation error of a regression")
    val_balanced_accuracy: Number | None = Field(None, description="mean recall of the validation rows' classes")
    val_macro_f1: Number | None = Field(None, description="mean F1 of the validation rows' classes")
    val_r2: Number | None = Field(None, description="of a regression: explained share of the validation rows' variance")
    learning_rate: Number | None = Field(None, description="learning rate at the end of the epoch")
    seconds: Number | None = Field(None, description="time of training and validation, s")

    def value(self, metric: str) -> float | None:
        """Return the value of a metric, None if the epoch has none."""
        return getattr(self, metric, None) if metric in self.model_fields_set else None


History = Annotated[list[Epoch], Field(max_length=MAX_ITEMS)]


ClassRows = Annotated[dict[Text, Count], Field(max_length=MAX_LABELS)]
ClassWeights = Annotated[dict[Text, Number], Field(max_length=MAX_LABELS)]


class StartingPoint(Section):
    """A model whose weights a training started from."""

    name: Text = Field(description="Hub id, or the folder's name")
    revision: Text | None = Field(None, description="commit on the Hub; null of a folder")
    architecture: Text | None = Field(None, description="timm's name of a backbone; null of a Trazo model")
    license: Text | None = Field(None, description="as its card says")
    datasets: Annotated[list[Text], Field(max_length=MAX_DATASETS)] = Field(
        [], description="what it was trained on, as its card says"
    )
    weights_sha256: Text = Field(description="SHA-256 of its model.safetensors")
    frozen: bool = Field(False, description="whether its weights stayed as they were")


class Options(Section):
    """What the user chose; everything else had its default or came from the preset or the search."""

    data: Values = Field({}, description="options of the data except the datasets' names")
    training: Values = Field({}, description="options of the training")


class TrainingReport(Report):
    """How a model was trained."""

    schema_version: Count = Field(SCHEMA_VERSION, description="version of this format")
    data: DataSection = Field(description="which rows were learned from")
    preset: Name | None = Field(None, description="preset that network and recipe come from; null after a search")
    decisions: Annotated[list[LongText], Field(max_length=MAX_ITEMS)] = Field(
        [], description="what was decided from the data, and why"
    )
    hyperparameters: Values = Field(description="every setting of the training and of the network")
    history: History = Field(description="one object per epoch")
    best_epoch: Count = Field(description="epoch whose weights were kept: the lowest validation loss")
    stopped_early: bool = Field(False, description="whether training ended before its last epoch")
    seed: Count = Field(description="seed of weights, order, augmentation and dropout")
    seconds: Number = Field(description="time of training and validation over all starts, s")
    ended: Time | None = Field(None, description="UTC, ISO 8601; null in reports of older versions")
    parameters: Count = Field(description="parameters of the network")
    environment: Values = Field({}, description="Python, machine, cores and versions of the libraries")
    class_rows: ClassRows | None = Field(
        None, description="class -> rows that were learned from; null of a regression and without a scan"
    )
    class_weights: ClassWeights | None = Field(
        None, description="class -> weight of its rows in the loss; null if all count the same"
    )
    starting_point: StartingPoint | None = Field(None, description="null if the weights were random at the start")
    options: Options | None = Field(None, description="what the user chose; null in reports of older versions")
