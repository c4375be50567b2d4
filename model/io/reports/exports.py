"""exports.json: the same network in other formats."""

from typing import Annotated, Literal

from pydantic import Field

from model.artifacts import EXPORT_FILES, EXPORT_FORMATS
from model.io.reports.schema import Count, Hash, Number, Report, Section, Text

FormatName = Annotated[str, Field(pattern=rf"^({'|'.join(EXPORT_FORMATS)})\z")]


class CheckedOn(Section):
    """The rows that the exported network was compared on."""

    dataset: Text = Field(description="Hub id or folder's name")
    split: Text = Field(description="split")
    rows: Count = Field(description="number of rows")


class ExportedFormat(Section):
    """One exported file."""

    file: Literal[EXPORT_FILES] = Field(description="path in the model folder")  # type: ignore[valid-type]
    bytes: Count = Field(description="size, bytes")
    sha256: Hash = Field(description="SHA-256 of the file")
    largest_difference: Number = Field(description="largest difference of an output from Keras's")
    checked_on: CheckedOn = Field(description="rows that were compared")
    runtime: Text = Field(description="package and version that ran it")


class ExportsReport(Report):
    """Which other formats of the weights the folder holds."""

    weights_sha256: Hash | None = Field(None, description="SHA-256 of the weights that were exported")
    formats: Annotated[dict[FormatName, ExportedFormat], Field(max_length=10)] = Field(description="format -> file")
