"""What all reports have in common: types with limits, and one-line errors."""

from datetime import UTC, datetime
from os import PathLike
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model import __version__
from model.io.atomic import corrupt_file, read_json, without_nan
from model.io.reports.datasets import redact_local_paths

MAX_NUMBER = 1e100  # the sum or the quotient of two is still finite
MAX_ITEMS = 100_000  # of a list: trials, epochs, labels
MAX_SKIPPED_ROWS = 10_000_000
MAX_BASE64_CHARS = 10_000_000  # of base64
MAX_FIELD_CHARS = 100  # of a field's name in an error

Number = Annotated[float, Field(gt=-MAX_NUMBER, lt=MAX_NUMBER)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(max_length=100)]  # of a hyperparameter, a metric or a setting
Text = Annotated[str, Field(max_length=4_096)]  # a label, a path, a version
LongText = Annotated[str, Field(max_length=100_000)]  # what a library or a dataset's author wrote
Time = Annotated[str, Field(max_length=40)]  # UTC, ISO 8601
Hash = Annotated[str, Field(max_length=64)]  # hexadecimal
Base64 = Annotated[str, Field(max_length=MAX_BASE64_CHARS, pattern=r"^[A-Za-z0-9+/]+={0,2}\z")]
Integer = Annotated[int, Field(gt=-(10**100), lt=10**100)]
Scalar = bool | Integer | Number | Text | None
Value = Scalar | Annotated[list[Scalar], Field(strict=False, max_length=100)]  # of a setting; a tuple is a list
Values = Annotated[dict[Name, Value], Field(max_length=1_000)]
SkippedRows = Annotated[dict[Text, LongText], Field(max_length=MAX_SKIPPED_ROWS)]


def utc_timestamp() -> str:
    """Return the current time in the format of the reports."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Section(BaseModel):
    """A part of a report. Numbers must be numbers, finite ones; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that were given, as JSON holds them."""
        return self.model_dump(exclude_unset=True)


class Report(Section):
    """A whole report."""

    trazo: Text | None = Field(None, description="version of Trazo that wrote it; null in older reports")

    @classmethod
    def build(cls, **values: Any) -> Self:
        """Return a new report of the present versions of its format and of Trazo.

        NaN and infinities, which JSON does not have, become null.

        Raises:
            ValidationError: if a value does not fit; that is a mistake of the caller.
        """
        if field := cls.model_fields.get("schema_version"):
            values["schema_version"] = field.default
        return cls.model_validate(without_nan(values | {"trazo": __version__}))

    @classmethod
    def parse(cls, value: Any, path: str | PathLike) -> Self:
        """Return the report that a JSON value holds.

        Args:
            value: of the file.
            path: of the file, for messages.

        Raises:
            CorruptFileError: if the value does not fit; the text names the field and the reason.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise corrupt_file(path, _first_problem(error)) from None

    @classmethod
    def read(cls, path: str | PathLike) -> Self | None:
        """Return the report in a file, or None if there is no such file.

        Raises:
            CorruptFileError: if it is not JSON or does not fit.
        """
        value = read_json(path)
        return None if value is None else cls.parse(value, path)

    def redacted(self) -> Self:
        """Return the report without paths of local datasets; see `redact_local_paths`."""
        return type(self).model_validate(redact_local_paths(self.to_dict()))


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    if first["type"] == "missing":
        return f"lacks `{field[:MAX_FIELD_CHARS]}`"
    where = f" in `{field[:MAX_FIELD_CHARS]}`" if field else ""
    reason = "it should be an object" if first["type"] == "model_type" else first["msg"]
    return f"has a wrong value{where} ({reason[0].lower()}{reason[1:]})"
