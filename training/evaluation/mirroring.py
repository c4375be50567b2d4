"""Whether a dataset's classes allow mirrored images, decided by what a small network makes of them."""

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from model import CnnConfig, CnnModel
from model.io.atomic import read_json, write_json
from model.scores import score_classes
from model.words import counted
from training.config import TrainConfig
from training.data.decode import decoded_batches
from training.data.splits import TrainingData
from training.evaluation.baseline import class_baseline, mean_baseline
from training.loop.trainer import fit, run_identity
from training.presets import fast

PROBE_STEPS, PROBE_STEPS_PER_EPOCH = 400, 100  # of the training without mirrored images, at most
MIN_PROBE_SIDE_PX, MAX_PROBE_SIDE_PX = 4, 48  # larger images are resized for it
MAX_PROBE_EPOCHS = 20  # of few rows, which a network knows by heart then
MAX_PROBE_ROWS = 5000  # of the validation, which are answered after each epoch
MAX_DROP = 0.05  # of the accuracy on mirrored images, or rise of a regression's error, as a share
SIGNIFICANCE = 0.05  # of a class's drop, divided by the number of classes (Bonferroni)

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class MirrorCheck:
    """Whether mirrored images show the same classes.

    Attributes:
        allowed: whether they do.
        reason: what that follows from: what the small network does.
    """

    allowed: bool
    reason: str


def check_mirroring(opened: TrainingData, config_fields: dict[str, Any], seed: int, cache_path: Path) -> MirrorCheck:
    """Train a small network without mirrored images, and return whether it recognizes mirrored validation rows as well.

    A network that has never seen a mirrored image answers as well on them if nothing in the images has a side, as in
    most photographs. It fails if a class is another one in the mirror, as of arrows, hands and letters, or if all
    images show their subject from the same side, so that the mirrored ones are never met.

    Args:
        opened: the data.
        config_fields: fields of CnnConfig that the data gives, and the fitted scaling.
        seed: of the training.
        cache_path: JSON file with the result; a second call for the same rows reads it.

    Raises:
        TrazoError: if a row cannot be read.
    """
    if opened.validation.rows > MAX_PROBE_ROWS:
        _, some = opened.validation.hold_out(MAX_PROBE_ROWS / opened.validation.rows)
        opened = replace(opened, validation=some)
    steps = min(PROBE_STEPS_PER_EPOCH, len(opened.train))
    epochs = min(MAX_PROBE_EPOCHS, -(-PROBE_STEPS // steps))
    length = {"epochs": epochs, "patience": epochs, "steps_per_epoch": steps}
    settings = TrainConfig(**fast().training | length | {"batch_size": opened.train.batch_size, "seed": seed})
    config = CnnConfig(**config_fields | _probe_network(opened.image_shape))
    key = json.loads(json.dumps(run_identity(config, settings, opened.train, opened.validation)))
    cached = read_json(cache_path)
    if cached and cached["key"] == key:
        return MirrorCheck(**cached["check"])
    logger.info(f"mirrored images: a small network learns for {counted(epochs * steps, 'step')} without them")
    network, _ = fit(config, settings, opened.train, opened.validation, verbose=False)
    check = judge(config, *_answers(CnnModel(config, network), opened))
    write_json(cache_path, {"key": key, "check": asdict(check)})
    return check


def judge(config: CnnConfig, true: np.ndarray, plain: np.ndarray, mirrored: np.ndarray) -> MirrorCheck:
    """Return what the answers on the same rows, as they are and mirrored, say.

    Args:
        config: of the network.
        true: (n,), class ids or numbers.
        plain: (n,), answers on the rows as they are.
        mirrored: (n,), answers on the mirrored rows.
    """
    rows = counted(len(true), "validation row")
    if config.task == "regression":
        if not mean_baseline(config, true, plain).is_beaten:
            return _unknown(rows)
        before, after = (float(np.abs(answers - true).mean()) for answers in (plain, mirrored))
        found = f"has a mean error of {before:.4g} on {rows}, and of {after:.4g} on the same ones mirrored"
        return MirrorCheck(after <= before * (1 + MAX_DROP), found)
    if not class_baseline(config.labels, true, plain).is_beaten:
        return _unknown(rows)
    before, after = (float((answers == true).mean()) for answers in (plain, mirrored))
    found = f"recognizes {100 * before:.1f} % of {rows}, and {100 * after:.1f} % of the same ones mirrored"
    worse = _class_that_is_worse(true, plain, mirrored, len(config.labels))
    if worse is not None:
        recalls = (score_classes(true, answers, len(config.labels)).recall[worse] for answers in (plain, mirrored))
        found += f"; of class {config.labels[worse]} {' and '.join(f'{100 * one:.0f} %' for one in recalls)}"
    return MirrorCheck(worse is None and before - after <= MAX_DROP, found)


def _unknown(rows: str) -> MirrorCheck:
    return MirrorCheck(False, f"learned too little to show anything on {rows}")


def _class_that_is_worse(true: np.ndarray, plain: np.ndarray, mirrored: np.ndarray, classes: int) -> int | None:
    """Return the class that lost most by mirroring, by more than chance and more than `MAX_DROP`; None if none did.

    Source: McNemar 1947, here exact and one-sided: of rows that only one of two answers gets right, half are expected
    on either side.
    """
    lost = np.bincount(true[(plain == true) & (mirrored != true)], minlength=classes)
    gained = np.bincount(true[(plain != true) & (mirrored == true)], minlength=classes)
    chance = binom.sf(lost - 1, lost + gained, 0.5)  # that as many or more are lost
    drop = (lost - gained) / np.maximum(np.bincount(true, minlength=classes), 1)
    worse = (chance < SIGNIFICANCE / classes) & (drop > MAX_DROP)
    return int(np.argmax(np.where(worse, drop, -1))) if worse.any() else None


def _probe_network(image_shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the network of the preset `fast` for small images, with blocks and kernels that suit even the smallest."""
    *sides, channels = image_shape
    scale = min(1.0, MAX_PROBE_SIDE_PX / max(sides))
    height, width = (max(min(side, MIN_PROBE_SIDE_PX), round(side * scale)) for side in sides)
    network, side = fast().architecture, min(height, width)
    blocks = max(1, min(len(network["filters"]), side.bit_length() - 1))
    fitted = {
        "image_shape": (height, width, channels),
        "filters": network["filters"][:blocks],
        "kernel_size": min(network["kernel_size"], side),
    }
    return {name: value for name, value in (network | fitted).items() if name != "scaling"}


def _answers(cnn: CnnModel, opened: TrainingData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the validation rows' labels, and the answers on them as they are and mirrored, each (n,)."""
    found = []
    stream = opened.validation
    batches = stream.ordered(in_parts=True)
    for images, labels, _ in decoded_batches(stream, batches, cnn.config.image_shape, cnn.config.pixel_format):
        outputs = [cnn.predict_inputs(one)[0] for one in (images, images[:, :, ::-1])]
        answers = [one[:, 0] if cnn.config.task == "regression" else one.argmax(axis=1) for one in outputs]
        found.append((labels, *answers))
    true, plain, mirrored = (np.concatenate(column) for column in zip(*found, strict=True))
    return true, plain, mirrored
