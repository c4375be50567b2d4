"""What is inspected, measured and predicted."""

from dataclasses import dataclass
from pathlib import Path

from model.limits import MAX_MISTAKES
from model.views import VIEWS
from training.options import Validated, option


def _average_views() -> str | None:
    return option(
        None,
        choices=tuple(VIEWS),
        unset="the image alone",
        help="views of an image whose answers are averaged (test-time augmentation, TTA): mirrored, shifted or both",
    )


@dataclass(frozen=True)
class InspectConfig(Validated):
    """What is inspected, and how it is shown."""

    dataset: str = option(
        positional=True, metavar="DATASET", help="Hub id owner/name, or a folder or archive of images"
    )
    json: bool = option(False, help="print the report as JSON, as a run keeps it in data.json")
    html: Path | None = option(
        None, metavar="FILE", unset="none", help="also write a page with images; it needs no network and has no script"
    )


@dataclass(frozen=True)
class EvaluateConfig(Validated):
    """What is measured."""

    model: str = option(help="folder or Hub id of a model")
    split: str | None = option(None, unset="as for the training", help="split to measure on")
    output: Path | None = option(None, unset="the model's folder", help="where evaluation.json is written")
    mistakes: int = option(
        0,
        low=0,
        high=MAX_MISTAKES,
        metavar="N",
        help="keep the N most confident mistakes with their images for the demo; they are published with the model",
    )
    average_views: str | None = _average_views()


@dataclass(frozen=True)
class PredictConfig(Validated):
    """What is predicted, and where the answers are written."""

    data: str = option(
        positional=True,
        metavar="DATA",
        help="an image, a folder or archive of images, a Hub id, or a folder in a Hub repo's layout; labels are not "
        "needed",
    )
    model: str = option(help="folder or Hub id of a model")
    output: Path = option(help="file that receives the answers, .csv or .jsonl")
    split: str | None = option(
        None, unset="test; of a folder all images", help="split of a dataset, or of a folder with folders of splits"
    )
    config: str | None = option(None, help="config of a dataset with several")
    revision: str | None = option(None, unset="the main branch", help="branch, tag or commit of a dataset on the Hub")
    image_column: str | None = option(None, unset="the only one", help="column of images")
    sketches: bool = option(False, help="the images are free drawings of any size and polarity")
    probabilities: bool = option(False, help="also write the probability of each class")
    average_views: str | None = _average_views()
