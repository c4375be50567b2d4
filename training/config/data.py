"""Which rows are read, and how."""

from dataclasses import dataclass, field

from model.errors import TrazoError
from model.heads import HEADS
from model.limits import MAX_SIDE_PX
from model.pixel_format import BACKGROUND_NAMES
from training.options import Validated, option

LAYOUTS = ("splits", "classes", "outer")  # of a folder of images, see `training.data.folders.layout`


@dataclass(frozen=True)
class DataConfig(Validated):
    """The dataset, its splits and how it is read."""

    dataset: str = option(
        repeat=True,
        help="Hub id owner/name, or a folder of images or in a Hub repo's layout; several are concatenated",
    )
    # Named by more `--dataset`s. Only the defaults are used for these.
    extra_datasets: tuple[str, ...] = field(default=())
    sketches: tuple[str, ...] = option(
        (), repeat=True, metavar="DATASET", help="a dataset of free drawings of any size and polarity"
    )
    group_column: str | None = option(
        None, help="column whose equal values, such as one writer's rows, are held out together"
    )
    config: str | None = option(None, help="config of a dataset with several")
    revision: str | None = option(None, unset="the main branch", help="branch, tag or commit on the Hub")
    layout: str | None = option(
        None,
        choices=LAYOUTS,
        unset="decided, and printed",
        help="of a folder of images: its outermost folders are splits; or there are only classes, named by the folder "
        "nearest to an image; or by the outermost one",
    )
    split: str = option("train", help="split to train on, without the rows held out")
    test_split: str = option(
        "test", help="split that is evaluated, once; held-out: a share of --split, also if there is a split named test"
    )
    test_fraction: float = option(
        0.1, low=0, high=1, exclusive=True, help="share of the rows held out for the test if no split is named test"
    )
    no_scan: bool = option(
        False, help="do not read every row once before anything is decided; rows are then held out by their number"
    )
    classes: tuple[str, ...] = option(
        (),
        metavar="CLASS",
        unset="all",
        help="a part of the data: only rows of these classes; the order given is that of the model's labels",
    )
    max_rows: int | None = option(
        None,
        low=1,
        metavar="N",
        unset="all",
        help="a part of the data: N rows of the split to train on, before rows are held out, and of a split named "
        "validation; chosen by a hash of the image, so about the same ones when rows are added",
    )
    image_column: str | None = option(None, unset="the only one", help="column of images")
    label_column: str | None = option(
        None, unset="the one of class labels, or called label, class, target, …", help="column of labels"
    )
    task: str | None = option(
        None,
        choices=tuple(HEADS),
        unset="regression for numbers with fractions, else classes",
        help="what the labels are",
    )
    image_size: int | None = option(
        None,
        low=1,
        high=MAX_SIDE_PX,
        unset="that of most images, 128 at most",
        help="longer side of the network's input, in pixels",
    )
    color: str | None = option(
        None, choices=("gray", "rgb"), unset="as most images are", help="color of the network's input"
    )
    background: str | None = option(
        None, choices=tuple(BACKGROUND_NAMES), unset="what hides no image", help="what transparent images are placed on"
    )
    bits: int | None = option(
        None,
        low=8,
        high=16,
        unset="those of the brightest value",
        help="bits that images of 16 bits really use",
    )
    validation_fraction: float = option(
        0.1,
        low=0,
        high=1,
        exclusive=True,
        help="share of the rows held out for early stopping and the search if no split is named validation",
    )
    on_error: str = option(
        "skip", choices=("skip", "raise"), help="rows without a usable image or label: skip and report them, or stop"
    )
    window_rows: int = option(
        32768, low=1, help="rows in the shuffle window; memory holds two windows of encoded images"
    )
    timeout: float = option(10.0, low=0, exclusive=True, help="seconds of silence after which a request is given up")
    retries: int = option(3, low=0, help="how often a failed request is repeated, after growing pauses")
    cache_bytes: int = option(0, low=0, unset="none", help="bytes of downloaded rows kept on disk for the next epoch")

    def __post_init__(self) -> None:
        """Check every field, and that the classes are at least two.

        Raises:
            TrazoError: if a value is unknown or out of range.
        """
        super().__post_init__()
        if len(set(self.classes)) == 1:
            raise TrazoError(f"--classes {self.classes[0]} is one class; at least two are needed")
