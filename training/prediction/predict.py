"""From images to a file of answers: read, decode in other processes, predict, append."""

import logging
from collections import Counter, deque
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model import CnnModel
from model.artifacts import CONFIG_FILE
from model.config import CnnConfig
from model.io.weights import weights_hash
from model.ood import OODResult
from model.words import counted
from training.data.batches import Batch
from training.data.decode import MAX_RESULT_BYTES, decode_ahead
from training.data.parquet.source import SourceOptions
from training.evaluation.learned import report_unlearned_views
from training.prediction.answers import Answer, AnswerFile, check_answer_path
from training.prediction.images import ImageSource, open_images

BATCH_ROWS = 256
MAX_NAMED = 5  # classes in the last line

logger = logging.getLogger("trazo")


def predict(
    model: str,
    data: str,
    output: Path,
    *,
    split: str | None = None,
    image_column: str | None = None,
    sketches: bool = False,
    probabilities: bool = False,
    average_views: str | None = None,
    source: SourceOptions | None = None,
) -> None:
    """Write a model's answer for each image to a file; a call that was interrupted continues.

    Args:
        model: folder or Hub id.
        data: see `open_images`.
        output: ends in .csv or .jsonl.
        split: see `open_images`.
        image_column: of a dataset with several.
        sketches: the images are free drawings, prepared as `CnnModel.predict_sketch` does.
        probabilities: also write the probability of each class.
        average_views: a key of `model.views.VIEWS`, over which answers are averaged; None for the image alone.
        source: version and access of a dataset.

    Raises:
        TrazoError: if model or images cannot be opened, or the output was started for others.
    """
    check_answer_path(output)
    images = open_images(data, split, image_column, source)
    for left_out in images.left_out:
        logger.info("not used: %s %s (%s)", f"{left_out.count:,}", left_out.reason, ", ".join(left_out.examples))
    cnn = CnnModel.from_pretrained(model)
    assert cnn.folder is not None  # it was loaded
    report_unlearned_views(cnn.folder, average_views)
    identity = {
        "weights": _model_identity(cnn),
        "images": images.identity,
        "options": {"sketches": sketches, "probabilities": probabilities, "average_views": average_views},
    }
    summary = _Summary(cnn.config)
    with AnswerFile(output, _columns(images.name_column, cnn.config, probabilities), identity) as file:
        before = file.rows
        if before:
            logger.info("%s of %s images are answered already", f"{before:,}", f"{images.total:,}")
        with tqdm(total=images.total, initial=file.rows, desc="predicted", unit="image", disable=None) as bar:
            left = file.rows < images.total  # otherwise it was killed before the file got its name
            for answers in _answer(cnn, images, file.rows, sketches, probabilities, average_views) if left else ():
                file.add(answers)
                summary.count(answers)
                bar.update(len(answers))
        file.finish()
    logger.info("%s: %s%s", output, summary.text(), f"; and {counted(before, 'image')} before" if before else "")


def _columns(name: str, config: CnnConfig, probabilities: bool) -> list[str]:
    if config.task == "regression":
        return [name, "value", "rejected", "error"]
    more = [_probability_column(label) for label in config.labels] if probabilities else []
    return [name, "label", "confidence", "rejected", "error", *more]


def _probability_column(label: str) -> str:
    return f"probability of {label}"


def _model_identity(cnn: CnnModel) -> str:
    assert cnn.folder is not None  # it was loaded
    return f"{weights_hash(cnn.folder)} {(cnn.folder / CONFIG_FILE).read_text(encoding='utf-8')}"


def _answer(
    cnn: CnnModel,
    images: ImageSource,
    start: int,
    sketches: bool,
    probabilities: bool,
    average_views: str | None,
) -> Iterator[list[Answer]]:
    """Yield the answers of each batch; the next ones are read and decoded meanwhile."""
    shape = cnn.config.image_shape
    batch_rows = max(1, min(BATCH_ROWS, MAX_RESULT_BYTES // prod(shape)))
    waiting: deque[tuple[list[str], dict[int, str]]] = deque()

    def batches() -> Iterator[Batch]:
        for rows in images.read(start, batch_rows):
            waiting.append((rows.names, rows.reasons))
            ids = np.flatnonzero(~np.asarray(rows.encoded.is_null()))
            # Neither the labels nor the number is used.
            yield Batch(rows.encoded.drop_null(), np.zeros(len(ids), np.int64), ids, np.arange(len(ids)), 0)
            del rows

    for pixels, ids, errors in decode_ahead(batches(), shape, cnn.config.pixel_format, sketches):
        names, reasons = waiting.popleft()
        reasons = reasons | {int(ids[position]): reason for position, reason in errors.items()}
        good = np.setdiff1d(np.arange(len(ids)), list(errors))
        predictions, ood = cnn.predict_inputs(pixels[good], average_views)
        answers: list[Answer] = [{images.name_column: name} for name in names]
        for position, reason in reasons.items():
            answers[position]["error"] = reason
        described = _describe(cnn.config, predictions, ood, probabilities)
        for position, answer in zip(ids[good].tolist(), described, strict=True):
            answers[position] |= answer
        yield answers


def _describe(
    config: CnnConfig, predictions: np.ndarray, ood: OODResult | None, probabilities: bool
) -> Iterator[Answer]:
    rejected = [None] * len(predictions) if ood is None else ood.rejected.tolist()
    for row, is_rejected in zip(predictions.tolist(), rejected, strict=True):
        if config.task == "regression":
            yield {"value": row[0], "rejected": is_rejected}
            continue
        best = int(np.argmax(row))
        answer = {"label": config.labels[best], "confidence": row[best], "rejected": is_rejected}
        if probabilities:
            answer |= {_probability_column(label): value for label, value in zip(config.labels, row, strict=True)}
        yield answer


class _Summary:
    """Counts the answers of this call."""

    def __init__(self, config: CnnConfig) -> None:
        self._config = config
        self._counts: Counter[str] = Counter()
        self._labels: Counter[str] = Counter()

    def count(self, answers: list[Answer]) -> None:
        for answer in answers:
            self._counts["images"] += 1
            self._counts["unreadable"] += "error" in answer
            self._counts["rejected as unlike the training data"] += bool(answer.get("rejected"))
            if "label" in answer:
                self._labels[answer["label"]] += 1

    def text(self) -> str:
        counts = [f"{count:,} {name}" for name, count in self._counts.items() if count]
        labels = [f"{label} {count:,}" for label, count in self._labels.most_common(MAX_NAMED)]
        more = f" and {len(self._labels) - MAX_NAMED} more classes" if len(self._labels) > MAX_NAMED else ""
        return ", ".join(counts) + (f"; {', '.join(labels)}{more}" if labels else "")
