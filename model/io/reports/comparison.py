"""What the rows of an evaluation were compared with: a part of evaluation.json."""

from typing import Annotated

from pydantic import Field

from model.io.reports.schema import Count, Section, Text

MAX_UNKNOWN_CLASSES = 1000  # that are listed


class Comparison(Section):
    """Whether the model has seen the measured images, as a comparison of their content shows; and rows left out."""

    compared: bool = Field(description="whether each image was compared with all that were trained or validated on")
    reason: Text | None = Field(None, description="why they were not compared")
    training_images: Count | None = Field(None, description="different images that were trained on")
    validation_images: Count | None = Field(None, description="different images that were validated on")
    left_out_training: Count = Field(0, description="rows not measured because their image was trained on")
    left_out_validation: Count = Field(0, description="rows not measured because their image was validated on")
    duplicates: Count | None = Field(
        None, description="rows not measured because an earlier one has the same image and label; null without a scan"
    )
    unknown_classes: Annotated[dict[Text, Count], Field(max_length=MAX_UNKNOWN_CLASSES)] = Field(
        {}, description="class that the model does not know -> its rows, which were not measured"
    )
