"""evaluation.json: how good a model is on a split."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from model.io.reports.comparison import Comparison
from model.io.reports.schema import (
    Base64,
    Count,
    Hash,
    Name,
    Number,
    Report,
    Section,
    Share,
    SkippedRows,
    Text,
)
from model.limits import MAX_LABELS, MAX_MATRIX_LABELS, MAX_MISTAKES
from model.scores import MAX_ROWS_WITH_INTERVAL, wilson_interval

SCHEMA_VERSION = 1
Interval = Annotated[list[Share], Field(min_length=2, max_length=2)]  # lower and upper end


class ClassMeasures(Section):
    """How well one class is recognized. Without a row of the class nothing was measured: all is null."""

    label: Text = Field(description="name of the class")
    rows: Count = Field(description="rows of this class")
    precision: Share | None = Field(None, description="share of the answers with this class that are right")
    recall: Share | None = Field(None, description="share of the rows of this class that are found")
    f1: Share | None = Field(None, description="harmonic mean of precision and recall")


class CalibrationBin(Section):
    """Answers of similar confidence."""

    low: Share | None = Field(None, description="lower end of the confidence")
    high: Share | None = Field(None, description="upper end of the confidence")
    rows: Count = Field(description="answers with such a confidence")
    confidence: Number | None = Field(None, description="their mean confidence; null without any")
    accuracy: Number | None = Field(None, description="share of them that are right; null without any")


class Baseline(Section):
    """The trivial answer: always the most common class, or the mean target, for every image."""

    answer: Text | None = Field(None, description="the most common class; null for a regression")
    value: Number | None = Field(None, description="of a regression: the mean target")
    taken_from: Text = Field(description="training rows; or measured rows, if those of the training are not known")
    accuracy: Share | None = Field(None, description="share of the measured rows that this answer is right for")
    balanced_accuracy: Share | None = Field(None, description="mean recall of this answer: 1 / measured classes")
    macro_f1: Share | None = Field(None, description="mean F1 of this answer")
    mean_absolute_error: Number | None = Field(None, description="of a regression, in the label's unit")
    root_mean_squared_error: Number | None = Field(None, description="of a regression, in the label's unit")
    is_beaten: bool = Field(description="whether the network is better, by more than chance explains (95 %)")


class Calibration(Section):
    """How far the confidence can be believed (Guo et al. 2017)."""

    ece: Number = Field(description="expected calibration error, 0 to 1")
    bins: Annotated[list[CalibrationBin], Field(max_length=100)] = Field(description="of equal width, from 0 to 1")


class SelectiveRow(Section):
    """Selective classification (Geifman and El-Yaniv 2017): only answers of some confidence are given."""

    threshold: Share = Field(description="least confidence of an answer that is given")
    coverage: Share = Field(description="share of the rows that are answered")
    accuracy: Share | None = Field(None, description="share of these answers that are right; null without any")


class Mistake(Section):
    """A wrong answer."""

    row: Count | None = Field(None, description="id of the row")
    label: Text = Field(description="what it is")
    answer: Text = Field(description="what the network answered")
    confidence: Number | None = Field(None, description="probability of the answer, 0 to 1")
    image: Base64 = Field(description="the network's input as PNG, in base64")


class OutOfDistribution(Section):
    """Which rows the model rejects because they do not resemble the training images."""

    rejected: Share = Field(description="share of the rows")


class SeedResult(Section):
    """The result of one of several trainings that differ in their seed alone."""

    seed: Count = Field(description="seed of the training")
    accuracy: Share = Field(description="share of right answers")
    ece: Number = Field(description="expected calibration error, 0 to 1")
    loss: Number | None = Field(None, description="mean loss")
    weights_sha256: Hash | None = Field(None, description="SHA-256 of the weights that were measured")


class Measures(Section):
    """The measures on one split: `accuracy` and the fields about classes, or `mean_absolute_error` of a regression."""

    schema_version: Count = Field(SCHEMA_VERSION, description="version of this format")
    dataset: Text = Field(description="Hub id or folder")
    config: Text | None = Field(None, description="name of the dataset's configuration; null for a folder of images")
    revision: Text | None = Field(None, description="commit that was read; null for a folder")
    path: Text | None = Field(None, description="where a local dataset was when it was opened; not published")
    split: Text = Field(description="split, or how its rows were held out of another one")
    image_column: Text | None = Field(None, description="column of the images")
    label_column: Text | None = Field(None, description="column of the labels")
    rows: Count = Field(description="rows that were measured")
    skipped_rows: SkippedRows = Field({}, description="row id -> why the row could not be used")
    fingerprint: Hash | None = Field(
        None, description="hash of the images and labels of the whole split; null without a scan"
    )
    comparison: Comparison | None = Field(
        None, description="what the rows were compared with, and rows left out; null in reports of older versions"
    )
    loss: Number | None = Field(None, description="mean loss; null if it was not finite")
    mean_absolute_error: Number | None = Field(None, description="of a regression, in the label's unit")
    root_mean_squared_error: Number | None = Field(None, description="of a regression, in the label's unit")
    r2: Number | None = Field(None, description="of a regression: explained share of the variance")
    accuracy: Share | None = Field(None, description="share of right answers")
    accuracy_interval: Interval | None = Field(
        None, description="between these the accuracy on many such rows lies, with 95 % confidence (Wilson 1927)"
    )
    balanced_accuracy: Share | None = Field(None, description="mean recall of the classes with rows")
    macro_f1: Share | None = Field(None, description="mean F1 of the classes with rows")
    baseline: Baseline | None = Field(None, description="what the trivial answer reaches; null in older reports")
    labels: Annotated[list[Text], Field(max_length=MAX_LABELS)] = Field([], description="names of the classes")
    per_class: Annotated[list[ClassMeasures], Field(max_length=MAX_LABELS)] = Field([], description="one per class")
    confusion_matrix: Annotated[
        list[Annotated[list[Count], Field(max_length=MAX_MATRIX_LABELS)]], Field(max_length=MAX_MATRIX_LABELS)
    ] = Field([], description="answers; row: true class, column: answer; empty for more than 1,000 classes")
    calibration: Calibration | None = Field(None, description="how far the confidence can be believed")
    selective: Annotated[list[SelectiveRow], Field(max_length=100)] = Field(
        [], description="coverage and accuracy if only answers of some confidence are given; one per threshold"
    )
    mistakes: Annotated[list[Mistake], Field(max_length=MAX_MISTAKES)] = Field(
        [], description="the most confident wrong answers, if --mistakes asked for them"
    )
    ood: OutOfDistribution | None = Field(None, description="out-of-distribution detection, if the model has it")
    average_views: Name | None = Field(
        None,
        description="views of an image whose answers were averaged (test-time averaging); null for the image alone",
    )
    sketches: bool = Field(False, description="whether the images are free drawings, prepared as predict_sketch does")

    @model_validator(mode="after")
    def _check_matrix(self) -> Self:
        if self.is_regression:
            return self
        if self.accuracy is None:
            raise ValueError("there is neither accuracy nor mean_absolute_error")
        side = len(self.labels) if self.labels and len(self.labels) <= MAX_MATRIX_LABELS else 0
        if not self.labels or [len(row) for row in self.confusion_matrix] != [side] * side:
            wanted = "one row and one column per label" if side or not self.labels else "no rows, for so many labels"
            raise ValueError(f"confusion_matrix must have {wanted}")
        return self

    @property
    def is_regression(self) -> bool:
        """Whether a number was predicted rather than a class."""
        return "mean_absolute_error" in self.model_fields_set

    @property
    def printed_interval(self) -> tuple[float, float] | None:
        """The interval that is printed next to the accuracy: on so few rows, the accuracy alone says too much."""
        if self.accuracy is None or not 0 < self.rows <= MAX_ROWS_WITH_INTERVAL:
            return None
        return wilson_interval(self.accuracy, self.rows)

    @property
    def unmeasured(self) -> list[str]:
        """Names of the classes of which no row was measured."""
        return [one.label for one in self.per_class if not one.rows]


class EvaluationReport(Measures, Report):
    """How good a model is on a split; `extra_datasets` holds the measures on other datasets."""

    extra_datasets: Annotated[list[Measures], Field(max_length=100)] = Field([], description="the other datasets")
    weights_sha256: Hash | None = Field(None, description="SHA-256 of the weights that were measured")
    seeds: Annotated[list[SeedResult], Field(max_length=100)] = Field(
        [], description="results of the same recipe with several seeds, this model's first"
    )

    @property
    def sources(self) -> list[Measures]:
        """The measures on each dataset, the first one's first."""
        return [self, *self.extra_datasets]
