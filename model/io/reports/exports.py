"""exports.json: the same network in other formats."""

from typing import Annotated, Literal

from pydantic import Field

from model.artifacts import EXPORT_FILES, EXPORT_FORMATS
from model.io.reports.schema import Count, Hash, Number, Report, Section, Text

FormatName = Annotated[str, Field(pattern=rf"^({'|'.join(EXPORT_FORMATS)})\z")]


class CheckedOn(Section):
    """Rows of a dataset."""

    dataset: Text = Field(description="Hub id or folder's name")
    split: Text = Field(description="split")
    rows: Count = Field(description="number of rows")


class Quantization(Section):
    """What it costs to compute in whole numbers of 8 bits."""

    measure: Literal["accuracy", "mean_absolute_error"] = Field(description="what is compared on the rows checked on")
    keras: Number = Field(description="the measure of Keras's answers")
    exported: Number = Field(description="the measure of the exported network's answers")
    changed: Count = Field(description="number of rows with another most probable label")
    calibrated_on: CheckedOn = Field(description="rows from which the ranges of the maps were taken")


class Latency(Section):
    """How long an answer takes."""

    milliseconds: Number = Field(description="median of the time for one image on one core, milliseconds")
    machine: Text = Field(description="processor that it was measured on")


class ExportedFormat(Section):
    """One exported file."""

    file: Literal[EXPORT_FILES] = Field(description="path in the model folder")  # type: ignore[valid-type]
    bytes: Count = Field(description="size, bytes")
    sha256: Hash = Field(description="SHA-256 of the file")
    largest_difference: Number = Field(description="largest difference of an output from Keras's")
    checked_on: CheckedOn = Field(description="rows that were compared")
    runtime: Text = Field(description="package and version that ran it")
    quantization: Quantization | None = Field(None, description="cost of whole numbers; null for a format in float32")
    latency: Latency | None = Field(None, description="time of an answer; null where it says nothing")


class ExportsReport(Report):
    """Which other formats of the weights the folder holds."""

    weights_sha256: Hash | None = Field(None, description="SHA-256 of the weights that were exported")
    formats: Annotated[dict[FormatName, ExportedFormat], Field(max_length=10)] = Field(description="format -> file")
