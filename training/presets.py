"""Architectures and recipes that need no search."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A network and how it is trained."""

    architecture: dict[str, Any]  # fields of CnnConfig; `scaling` is the method's name
    training: dict[str, Any]  # fields of TrainConfig


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

    The bundled model, seed 0: MNIST test 99.64 %, digits of other writers 99.17 % and more (benchmarks/RESULTS.md),
    350,818 parameters, 70 minutes on 2 shared cores. It was trained before `stroke_jitter` acted equally in all
    directions.
    OPTDIGITS and PENDIGITS are datasets of drawn digits (UCI 80 and 81).

    python -m training train --dataset ylecun/mnist --sketches OPTDIGITS --sketches PENDIGITS --group-column writer \\
        --test-fraction 0.3 --output runs/drawings --preset drawings
    """
    base = default()
    return replace(base, training=base.training | {"digit_variants": 0.35, "stroke_jitter": 0.25})


PRESETS: dict[str, Callable[[], Preset]] = {"fast": fast, "small": small, "default": default, "drawings": drawings}
