"""Which rows a report is about: the section `data` of training.json and trials.json."""

from typing import Annotated

from pydantic import Field

from model.io.reports.schema import MAX_ITEMS, Count, Hash, LongText, Section, SkippedRows, Text


class DatasetEntry(Section):
    """One dataset: what was read of it, and what its README says about it."""

    dataset: Text = Field(description="Hub id or folder")
    config: Text | None = Field(None, description="name of the dataset's configuration; null for a folder of images")
    revision: Text | None = Field(None, description="commit that was read; null for a folder")
    path: Text | None = Field(None, description="where a local dataset was when it was opened; not published")
    fingerprint: Hash | None = Field(
        None, description="hash of the split's images and labels; without a scan of its files' names and sizes"
    )
    rows: Count | None = Field(None, description="rows of the split")
    validation_split: Text | None = Field(None, description="split that the validation rows come from")
    sketches: bool = Field(False, description="whether the images are free drawings, prepared as predict_sketch does")
    title: LongText | None = Field(None, description="pretty_name of its README")
    license: LongText | None = Field(None, description="license of its README")
    homepage: LongText | None = Field(None, description="homepage of its README")


class SplitRows(Section):
    """Numbers of rows."""

    train: Count = Field(description="usable rows to train on; without a scan all of them")
    validation: Count = Field(
        description="usable rows for validation, held out or from a separate split; without a scan all of them"
    )


class DataSection(Section):
    """The data of a training or a search; the fields outside `datasets` are those of the first dataset."""

    dataset: Text = Field(description="Hub id or folder")
    config: Text | None = Field(None, description="name of the dataset's configuration; null for a folder of images")
    revision: Text | None = Field(None, description="commit that was read; null for a folder")
    path: Text | None = Field(None, description="where a local dataset was when it was opened; not published")
    endpoint: Text | None = Field(None, description="address of the Hub that has this commit; null for a folder")
    fingerprint: Hash | None = Field(
        None, description="hash of all datasets' images and labels; without a scan of their files' names and sizes"
    )
    split: Text = Field(description="split that was learned from")
    image_column: Text | None = Field(None, description="column of the images")
    label_column: Text | None = Field(None, description="column of the labels")
    window_rows: Count | None = Field(None, description="rows that are shuffled together")
    rows: SplitRows = Field(description="rows of all datasets together")
    datasets: Annotated[list[DatasetEntry], Field(max_length=MAX_ITEMS)] = Field([], description="every dataset")
    skipped_rows: SkippedRows = Field({}, description="row id -> why the row could not be used")

    @property
    def sources(self) -> list[DatasetEntry]:
        """The datasets, at least one; reports of a single dataset may not list it."""
        about = {name: getattr(self, name) for name in ("dataset", "config", "revision", "path")}
        return self.datasets or [DatasetEntry(**about)]
