"""data.json: what was found in the data of a run, what was left out and why, and what training does with it."""

from typing import Annotated

from pydantic import Field

from model.io.reports.schema import MAX_ITEMS, Count, Hash, LongText, Name, Number, Report, Section, Share, Text

SCHEMA_VERSION = 1
MAX_EXAMPLES = 100

Examples = Annotated[list[LongText], Field(max_length=MAX_EXAMPLES)]
Sides = Annotated[list[Count], Field(min_length=2, max_length=2)]
Numbers = Annotated[dict[Name, Count], Field(max_length=100)]


class Counted(Section):
    """Files or rows that have something in common."""

    count: Count = Field(description="how many there are")
    examples: Examples = Field([], description="names of the first ones")


class LeftOut(Counted):
    """Files or rows that are not used."""

    reason: LongText = Field(description="what they are, or why they are not used")


class Files(Section):
    """How a folder or archive of images was understood."""

    decision: LongText = Field(description="how its folders were understood, and the option that changes it")
    left_out: Annotated[list[LeftOut], Field(max_length=MAX_ITEMS)] = Field([], description="files that are no rows")
    notes: Annotated[list[LongText], Field(max_length=MAX_ITEMS)] = Field([], description="what else to know")


class ClassRows(Section):
    """One class."""

    name: Text = Field(description="its label")
    rows: Count = Field(description="usable rows")


class Targets(Section):
    """The numbers that a regression predicts."""

    low: Number = Field(description="the smallest")
    high: Number = Field(description="the largest")
    mean: Number = Field(description="their mean")


class Size(Section):
    """A size that images have."""

    width: Count = Field(description="upright, in pixels")
    height: Count = Field(description="upright, in pixels")
    images: Count = Field(description="how many have it")


class Images(Section):
    """What images that can be decoded are like."""

    count: Count = Field(description="how many there are")
    sizes: Annotated[list[Size], Field(max_length=MAX_EXAMPLES)] = Field(description="the most common sizes")
    different_sizes: Count = Field(description="number of different sizes")
    widths: Sides = Field(description="smallest and largest, in pixels")
    heights: Sides = Field(description="smallest and largest, in pixels")
    colors: Numbers = Field(description="images per kind: gray (also if stored as RGB) or color")
    formats: Numbers = Field(description="images per file format")
    bits: Numbers = Field(description="images per number of bits of a channel")
    transparent: Count = Field(description="images with a transparent pixel")
    flat: Count = Field(0, description="gray images of which most has one level, as behind writing and drawings")


class RowGroup(Section):
    """Rows whose images are equal."""

    rows: Examples = Field(description="names of the first ones")
    labels: Examples = Field([], description="their labels, in the same order")


class Repeats(Section):
    """Images that are found more than once."""

    images: Count = Field(description="number of different images among them")
    rows: Count = Field(description="number of their rows")
    examples: Annotated[list[RowGroup], Field(max_length=MAX_EXAMPLES)] = Field([], description="some of them")


class SplitContents(Section):
    """What was found in one split. What needs the scan is missing without one."""

    split: Text = Field(description="its name")
    rows: Count | None = Field(None, description="all rows; null if the split cannot be opened")
    usable: Count | None = Field(None, description="rows with an image that can be decoded and a label")
    problem: LongText | None = Field(None, description="why the split can be neither trained on nor measured on")
    fingerprint: Hash | None = Field(None, description="hash of every image and label, in their order")
    left_out: Annotated[list[LeftOut], Field(max_length=MAX_ITEMS)] = Field([], description="rows that are not used")
    classes: Annotated[list[ClassRows], Field(max_length=MAX_ITEMS)] = Field([], description="usable rows per class")
    other_classes: Annotated[list[Text], Field(max_length=MAX_ITEMS)] = Field(
        [], description="classes that the split to train on does not have"
    )
    targets: Targets | None = Field(None, description="the numbers of a regression")
    images: Images | None = Field(None, description="what its images are like")
    near_constant: Counted | None = Field(None, description="images that show nothing")
    duplicates: Repeats | None = Field(None, description="equal images in several rows")
    conflicts: Repeats | None = Field(None, description="equal images with different labels")


class Overlap(Section):
    """Equal images in two splits, or in two parts."""

    first: Text = Field(description="the split or part that is learned from, or the first of the two")
    second: Text = Field(description="the other one")
    images: Count = Field(description="number of different images that both have")
    rows: Count = Field(description="rows of the second with such an image")
    share: Share = Field(description="their share of the usable rows of the second")
    conflicts: Count = Field(0, description="these rows whose label is another one than in the first")
    examples: Annotated[list[RowGroup], Field(max_length=MAX_EXAMPLES)] = Field([], description="one row of each side")


class Column(Section):
    """A column of the dataset."""

    name: Text = Field(description="its name")
    type: LongText = Field(description="what it holds")
    note: LongText | None = Field(None, description="what is remarkable about its values, in a sample of rows")


class DatasetContents(Section):
    """One dataset."""

    dataset: Text = Field(description="Hub id, folder or archive")
    config: Text | None = Field(None, description="name of the dataset's configuration; null for a folder of images")
    revision: Text | None = Field(None, description="commit that was read; null for a folder")
    path: Text | None = Field(None, description="where a local dataset was when it was opened; not published")
    all_splits: Examples = Field(description="names of its splits")
    image_column: Text = Field(description="column of the images")
    label_column: Text = Field(description="column of the labels")
    notes: Annotated[list[LongText], Field(max_length=MAX_ITEMS)] = Field(
        [], description="what is not certain about the labels"
    )
    columns: Annotated[list[Column], Field(max_length=MAX_ITEMS)] = Field([], description="all columns")
    files: Files | None = Field(None, description="of a folder or archive of images")
    splits: Annotated[list[SplitContents], Field(max_length=MAX_EXAMPLES)] = Field(description="splits looked at")
    overlaps: Annotated[list[Overlap], Field(max_length=MAX_ITEMS)] = Field([], description="between these splits")


class Part(Section):
    """Rows of all datasets together that are learned from, or held out."""

    name: Text = Field(description="training, validation or test")
    source: Text = Field(description="where the rows come from, and by what they were held out")
    rows: Count = Field(description="number of usable rows; of all rows where they were not scanned")
    classes: Annotated[list[ClassRows], Field(max_length=MAX_ITEMS)] = Field([], description="usable rows per class")


class NetworkInput(Section):
    """What images become before the network sees them."""

    width: Count = Field(description="in pixels")
    height: Count = Field(description="in pixels")
    color: bool = Field(description="three channels, not one")
    common_width: Count = Field(description="width of most images, or the median one, in pixels")
    common_height: Count = Field(description="height of most images, or the median one, in pixels")
    other_size: Share = Field(description="share of the images that have another size than that")
    other_color: Share = Field(description="share of the images whose color is dropped, or that have none to show")
    transparent: Count | None = Field(None, description="images with transparency, in the splits trained on")
    background: Count = Field(description="gray level that transparent images are placed on")
    deep: Count | None = Field(None, description="images of 16 bits, in the splits trained on")
    white_level: Count = Field(description="value of white in images of 16 bits")


class Estimate(Section):
    """How long a training takes, estimated from images and pixels."""

    preset: Name = Field(description="architecture and recipe")
    epochs: Count = Field(description="epochs")
    minutes: Number = Field(description="on 2 cores")


class Plan(Section):
    """What training does with the data."""

    task: Name = Field(description="binary, multiclass or regression")
    classes: Count = Field(description="number of classes; 1 for a regression")
    input: NetworkInput = Field(description="what the network sees")
    parts: Annotated[list[Part], Field(max_length=3)] = Field(description="which rows are used for what")
    overlaps: Annotated[list[Overlap], Field(max_length=MAX_ITEMS)] | None = Field(
        None, description="between these parts; null if they were not compared"
    )
    imbalance: Number | None = Field(None, description="training rows of the largest class / of the smallest")
    batch_size: Count = Field(description="rows per step")
    batches: Count = Field(description="steps per epoch")
    preset: Name | None = Field(None, description="architecture and recipe that suit the images")
    preset_reason: Text | None = Field(None, description="what that follows from")
    estimates: Annotated[list[Estimate], Field(max_length=100)] = Field([], description="of a training with a preset")


class DataReport(Report):
    """What was found in the data, and what training does with it."""

    schema_version: Count = Field(SCHEMA_VERSION, description="version of this format")
    scanned: bool = Field(description="whether every row was read; without, only names, types and numbers are known")
    datasets: Annotated[list[DatasetContents], Field(max_length=MAX_EXAMPLES)] = Field(description="every dataset")
    plan: Plan = Field(description="what training does")
    warnings: Annotated[list[LongText], Field(max_length=MAX_ITEMS)] = Field([], description="what to look at first")
