"""Architectures and recipes that need no search.

The accuracies on MNIST and the times are older than the fused batch normalization, which is equal up to rounding.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from model.config import MAX_BLOCKS

ImageShape = tuple[int, int, int]  # height, width, channels


@dataclass(frozen=True)
class Preset:
    """A network and how it is trained."""

    architecture: dict[str, Any]  # fields of CnnConfig; `scaling` is the method's name
    training: dict[str, Any]  # fields of TrainConfig
    mirrors_if_it_may: bool = False  # `mirror` is decided from the validation rows, unless it is given
    adapt: "Callable[[str, ImageShape, int], Preset] | None" = None  # what `fit_to` calls

    def fit_to(self, task: str, image_shape: ImageShape, rows: int) -> "Preset":
        """Return the preset for a dataset; most are the same for all.

        Args:
            task: binary, multiclass or regression.
            image_shape: of the network's input.
            rows: to learn from.
        """
        return self.adapt(task, image_shape, rows) if self.adapt else self


def fast() -> Preset:
    """Two convolutions that halve the image, at most 115,200 images: for a first result on a dataset.

    MNIST: 99.00, 99.08 and 99.02 % on test (seeds 0, 1, 2), 15 seconds of training on 2 cores
    (benchmarks/RESULTS.md), 114,650 parameters.

    python -m training train --dataset ylecun/mnist --output runs/fast --preset fast
    """
    return Preset(
        architecture={
            "filters": (16, 32),
            "convolutions": 1,
            "kernel_size": 5,
            "pooling": "stride",
            "dense_units": (64,),
            "scaling": "z-score",
        },
        training={
            "epochs": 3,
            "steps_per_epoch": 300,
            "optimizer": "adamw",
            "learning_rate": 1e-2,
            "augment": 0.25,
            "ema_momentum": 0.98,
        },
    )


def small() -> Preset:
    """6,893 parameters: for a browser, a microcontroller, or to read every weight.

    MNIST: 99.56, 99.55 and 99.53 % on test (seeds 0, 1, 2), 14 minutes on 2 cores (benchmarks/RESULTS.md).

    python -m training train --dataset ylecun/mnist --output runs/small --preset small
    """
    return Preset(
        architecture={"filters": (8, 12, 15), "convolutions": 2, "dense_units": (), "scaling": "z-score"},
        training={
            "epochs": 60,
            "patience": 60,
            "optimizer": "adamw",
            "learning_rate": 1e-2,
            "augment": 0.5,
            "ema_momentum": 0.999,
        },
    )


def default() -> Preset:
    """Three blocks of two, three and four convolutions: what `train` uses without a search.

    MNIST: 99.82, 99.68 and 99.73 % on test (seeds 0, 1, 2; seed 0 on another processor: 99.70), an hour on 2 shared
    cores (benchmarks/RESULTS.md), 350,818 parameters.

    python -m training train --dataset ylecun/mnist --output runs/default --preset default
    """
    return Preset(
        architecture={
            "filters": (24, 48, 96),
            "convolutions": (2, 3, 4),
            "dense_units": (),
            "dropout": 0.1,
            "scaling": "z-score",
        },
        training={
            "epochs": 30,
            "patience": 30,
            "optimizer": "adamw",
            "learning_rate": 3e-3,
            "augment": 1.5,
            "elastic_transform": 0.025,
            "clean_fraction": 0.25,
            "ema_momentum": 0.999,
            "precision": "bfloat16",
        },
    )


def drawings() -> Preset:
    """The architecture of `default`, trained for drawings by many people: other strokes, other pens.

    The bundled model, seed 0: MNIST test 99.70 %, digits of other writers 98.89 % and more (benchmarks/RESULTS.md),
    350,818 parameters, 36 minutes on 2 cores. It also rejects most drawings that are not digits.
    OPTDIGITS and PENDIGITS are datasets of drawn digits (UCI 80 and 81).

    python -m training train --dataset ylecun/mnist --sketches OPTDIGITS --sketches PENDIGITS --group-column writer \\
        --test-fraction 0.3 --output runs/drawings --preset drawings
    """
    base = default()
    drawn = {"digit_variants": 0.35, "stroke_jitter": 0.25, "coarse_scans": 0.15, "outliers": 20_000}
    return replace(base, training=base.training | drawn)


PHOTO_BATCH_ROWS = 128
MIN_PHOTO_EPOCHS, MAX_PHOTO_EPOCHS = 80, 100
MIN_PHOTO_STEPS = 4000  # of a training; few images are seen more often for it
PHOTO_FILTERS = (64, 128, 256)  # of the residual blocks
NARROW_FILTERS = 32  # of what comes before them
MANY_ROWS = 10_000  # from which on the network is wider and learns by SGD; no other limit was tried
WIDTH_FACTOR = 1.5  # by how much
MAX_RESIDUAL_SIDE_PX = 48  # of what the residual blocks see; larger images are halved before, which costs little

# On 18,000 images of CIFAR-10, SGD had more of the validation rows right than AdamW; on few images it was not tried.
_SGD = {
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "label_smoothing": 0.2,
    "random_erasing": 0.25,
    "ema_momentum": 0.998,
}
_ADAMW = {
    "optimizer": "adamw",
    "learning_rate": 4e-3,
    "weight_decay": 0.2,
    "label_smoothing": 0.1,
    "color_jitter": 0.4,
    "ema_momentum": 0.999,
}


def photo(task: str = "multiclass", image_shape: ImageShape = (32, 32, 3), rows: int = 20_000) -> Preset:
    """Residual blocks for photographs, in color or gray; their number and that of the epochs follow from the dataset.

    The network is that of Page 2018, "How to Train Your ResNet", with a shortcut in every block. From 10,000 images
    with classes on, it has three quarters of that width and learns by SGD; otherwise half of the width, and AdamW. At
    32 × 32 pixels in color and with ten classes it has 4,367,962 parameters and takes 256 million multiplications for
    an image; the narrower one 1,944,298 and 114 million.
    Mirrored images are learned from if no class is recognized worse in the mirror (`training.evaluation.mirroring`).

    Args:
        task: binary, multiclass or regression.
        image_shape: of the network's input.
        rows: to learn from.

    python -m training train --dataset uoft-cs/cifar10 --image-column img --output runs/photo --preset photo
    """
    many = rows >= MANY_ROWS and task != "regression"
    epochs = math.ceil(MIN_PHOTO_STEPS / math.ceil(rows / PHOTO_BATCH_ROWS))
    epochs = min(max(epochs, MIN_PHOTO_EPOCHS), MAX_PHOTO_EPOCHS)
    # A number does not follow from the areas of two images, but a part of an image may be hidden.
    covered = {"random_erasing": 0.25} if task == "regression" else {"cutmix": 0.5}
    return Preset(
        architecture=_residual_blocks(image_shape, WIDTH_FACTOR if many else 1)
        | {"dense_units": (), "scaling": "z-score"}
        | ({"l2": 5e-4} if many else {}),
        training={
            "epochs": epochs,
            "patience": epochs,
            "batch_size": PHOTO_BATCH_ROWS,
            "augment": 0.0,
            "random_crop": 0.125,
            "precision": "bfloat16",
        }
        | (_SGD if many else _ADAMW)
        | covered,
        mirrors_if_it_may=True,
        adapt=photo,
    )


def _residual_blocks(image_shape: ImageShape, width_factor: float) -> dict[str, Any]:
    """Return the blocks for images of a size: about the same number of multiplications for all from 32 × 32 pixels on.

    All numbers of filters are multiplied by `width_factor`.

    Images are halved by single convolutions until they are small. Then up to three residual blocks follow, as long as
    two pixels of a side are left for the last one's mean.
    """
    height, width, _ = image_shape
    possible = min(height, width).bit_length() - 1  # blocks that halve the shorter side to one pixel
    halvings = max(0, math.floor(math.log2(math.sqrt(height * width) / MAX_RESIDUAL_SIDE_PX)) + 1)
    residual = max(1, min(len(PHOTO_FILTERS), possible - halvings - 1))
    halvings = max(0, min(halvings, possible - residual, MAX_BLOCKS - residual))
    narrow, *filters = (round(width_factor * one) for one in (NARROW_FILTERS, *PHOTO_FILTERS))
    return {
        "blocks": "residual",
        "stem_filters": 0 if halvings else narrow,
        "filters": (narrow,) * halvings + tuple(filters[:residual]),
        "convolutions": (1,) * halvings + (3,) * residual,
        "kernel_size": min(3, height, width),
    }


PRESETS: dict[str, Callable[[], Preset]] = {
    "fast": fast,
    "small": small,
    "default": default,
    "drawings": drawings,
    "photo": photo,
}


def choose_preset(photographs: bool) -> str:
    """Return the preset that suits a dataset.

    Args:
        photographs: whether most of its images are photographs; see `training.data.image_kind`.
    """
    return "photo" if photographs else "default"
