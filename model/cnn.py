"""`CnnModel`: a network with its config, loaded from and published to the Hub."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from huggingface_hub import CommitInfo, ModelHubMixin
from PIL import Image

from model.artifacts import (
    CARD_FIGURES,
    CARD_FILE,
    CONFIG_FILE,
    EVALUATION_FILE,
    REPORT_FILES,
    TRAINING_FILE,
    WEIGHTS_FILE,
)
from model.card.card import render_card
from model.config import MAX_FEATURE_MAP_VALUES, CnnConfig
from model.errors import ModelError, TrazoError
from model.io.atomic import atomic_write
from model.io.hub import commit_folder
from model.io.locate import locate_model
from model.io.reports import read_report
from model.io.weights import matches_weights, read_weights, weights_to_bytes
from model.network import build_network
from model.ood import OODDetector, OODResult
from model.preprocess.decode import ImageError, decode, open_image, resize_to_input, to_array
from model.preprocess.foreground import BlankDrawingError
from model.preprocess.sketch import sketch_to_input

BATCH = 256  # pictures that go through the network at once: bounds memory, costs no speed


class CnnModel(ModelHubMixin):
    """A Keras CNN with labels, from pictures to probabilities.

    It holds the network rather than being one (composition): the mixin's and Keras' ideas of a config differ.

    Attributes:
        config: the `CnnConfig`.
        network: the `keras.Model`, raw pixels in, probabilities (or a number) out.
        folder: where it was loaded from, with the reports beside the weights; None for a model made here.
        ood_detector: what tells pictures unlike those it learned from; None for a model without.
    """

    def __init__(
        self,
        config: CnnConfig,
        network: keras.Model | None = None,
        folder: Path | None = None,
        ood_detector: OODDetector | None = None,
    ) -> None:
        """Wrap a network, or build a fresh one from the config."""
        super().__init__()
        self.config = config
        self.network = network or build_network(config)
        self.folder = folder
        self.ood_detector = ood_detector
        self._batch = min(BATCH, MAX_FEATURE_MAP_VALUES // config.largest_map)  # large pictures go through one by one
        signature = [tf.TensorSpec((None, *config.image_shape), tf.float32)]
        self._forward = tf.function(lambda pixels: self.network(pixels, training=False), signature)

    def predict(self, images: Iterable) -> np.ndarray:
        """Return what the network says of pictures that look like the dataset's.

        Args:
            images: Pillow images, uint8 arrays (h, w[, c]), encoded bytes, or rows of a dataset (a mapping with one
                of these in it); a list, an array (n, h, w[, c]) or anything that iterates over them. Pictures of
                another size are resized with their aspect kept. A picture alone is taken as a list of one; so is an
                array of three axes whose last one is 1, 3 or 4, unless it is a batch of the network's own size.

        Returns:
            float32 (n, labels), each row summing to 1; for regression (n, 1), the numbers themselves.

        Raises:
            ImageError: for what is not a picture.
            ModelError: when the weights make numbers too large for float32.
        """
        return self._answer(self._fitted(images))

    def predict_sketch(self, drawings: Iterable) -> np.ndarray:
        """Return what the network says of free drawings of any size, polarity, transparency or place.

        Each drawing is first made what the training data is: see `sketch_to_input`.

        Args:
            drawings: as `predict` takes them.

        Returns:
            as `predict`.

        Raises:
            BlankDrawingError: when nothing is drawn.
            ImageError: for what is not a picture.
        """
        return self._answer(self._drawn(drawings))

    def reject(self, images: Iterable) -> OODResult:
        """Tell which pictures are unlike all that the network has learned: its answer to them means nothing.

        Args:
            images: as `predict` takes them.

        Returns:
            float32 (n,) scores, above 1 for what should not be answered, and which these are.

        Raises:
            TrazoError: when the model was saved without what that takes.
            ImageError: for what is not a picture.
        """
        return self._judge(self._fitted(images))

    def predict_and_reject(self, images: Iterable) -> tuple[np.ndarray, OODResult | None]:
        """Return what `predict` and `reject` do, from one pass through the network: in about half the time.

        The rejection of a model that was saved without what it takes is None.

        Raises:
            ImageError: for what is not a picture.
            ModelError: as `predict`.
        """
        inputs = self._fitted(images)
        if self.ood_detector is None:
            return self._answer(inputs), None
        parts = [self.ood_detector.answer(batch) for batch in self._batches(inputs)]
        return self._answers([outputs for outputs, _ in parts]), _joined([judged for _, judged in parts])

    def reject_sketch(self, drawings: Iterable) -> OODResult:
        """Tell as `reject` does, of free drawings; one without a stroke is rejected, its score infinite.

        Raises:
            TrazoError: as `reject`.
            ImageError: for what is not a picture.
        """
        shape, inputs, drawn = self.config.image_shape, [], []
        for drawing in self._each(drawings):
            try:
                inputs.append(sketch_to_input(_picture(drawing), shape))
                drawn.append(True)
            except BlankDrawingError:
                drawn.append(False)
        score = np.full(len(drawn), np.inf, np.float32)
        score[np.array(drawn, bool)] = self._judge(inputs).score
        return OODResult(score, score > 1)

    def _fitted(self, images: Iterable) -> Iterable[np.ndarray]:
        return (_fit(image, self.config.image_shape) for image in self._each(images))

    def _drawn(self, drawings: Iterable) -> Iterable[np.ndarray]:
        for position, drawing in enumerate(self._each(drawings)):
            try:
                yield sketch_to_input(_picture(drawing), self.config.image_shape)
            except BlankDrawingError as error:
                raise BlankDrawingError(f"{error} in drawing {position}") from None

    def _each(self, images: Iterable) -> Iterable:
        # Names and None are refused as pictures are: by a sentence.
        single = images is None or isinstance(images, (Image.Image, bytes, dict, str, os.PathLike))
        if isinstance(images, np.ndarray):
            # (h, w, 3) and (n, h, 3) look alike: of pictures three pixels wide only the network's own are a batch.
            channels_last = images.ndim == 3 and images.shape[2] in (1, 3, 4)
            single = images.ndim == 2 or (channels_last and images.shape[1:] != self.config.image_shape[:2])
        return [images] if single else images

    def _answer(self, inputs: Iterable[np.ndarray]) -> np.ndarray:
        return self._answers([self._forward(batch).numpy() for batch in self._batches(inputs)])

    def _answers(self, outputs: list[np.ndarray]) -> np.ndarray:
        if not outputs:
            return np.zeros((0, len(self.config.labels)), np.float32)
        answers = np.concatenate(outputs)
        if not np.isfinite(answers).all():  # the first label would be taken for the answer
            raise ModelError("this network's weights give answers that are no numbers")
        return probabilities(answers, self.config.task)

    def _judge(self, inputs: Iterable[np.ndarray]) -> OODResult:
        if self.ood_detector is None:
            raise TrazoError("this model was saved without a rejection score; `python -m training train` fits one")
        return _joined([self.ood_detector.answer(batch)[1] for batch in self._batches(inputs)])

    def _batches(self, inputs: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
        inputs = iter(inputs)
        while pixels := list(islice(inputs, self._batch)):
            yield np.stack(pixels).astype(np.float32)

    # --- Files ---

    def save_pretrained(self, save_directory: str | os.PathLike) -> None:  # type: ignore[override] # of the mixin's arguments those alone that mean something here
        """Write config, weights and card; and the reports, where these weights are the ones they describe.

        Of other weights that lay there before, the card and the report of their training are deleted.
        """
        target, source = Path(save_directory), self.folder
        target.mkdir(parents=True, exist_ok=True)
        weights = weights_to_bytes(self.network, self.ood_detector.tensors() if self.ood_detector else {})
        if not _holds(target, weights):
            for name in (CARD_FILE, *CARD_FIGURES, TRAINING_FILE):
                (target / name).unlink(missing_ok=True)
        atomic_write(target / CONFIG_FILE, self.config.to_json())
        atomic_write(target / WEIGHTS_FILE, weights)
        if source and source.resolve() != target.resolve() and _holds(source, weights):
            for name in (CARD_FILE, *CARD_FIGURES, *REPORT_FILES):
                if (source / name).is_file():
                    shutil.copyfile(source / name, target / name)
            # Trained again and not yet evaluated again, a run still holds the evaluation of its former weights.
            evaluation = read_report(source / EVALUATION_FILE)
            if evaluation is not None and not matches_weights(evaluation.get("weights_sha256"), source):
                (target / EVALUATION_FILE).unlink()
        if not (target / CARD_FILE).exists():
            atomic_write(target / CARD_FILE, str(render_card(self.config)))

    @classmethod
    def from_pretrained(  # type: ignore[override] # as above
        cls,
        pretrained_model_name_or_path: str | os.PathLike | None = None,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
    ) -> CnnModel:
        """Load a model; nothing that comes with it is executed.

        Args:
            pretrained_model_name_or_path: a folder, a Hub id `owner/name`, or None for the bundled model.
            revision: branch, tag or commit of the Hub repo; resolved once, all files are read at that commit.
            token: as huggingface_hub takes it.

        Raises:
            ModelError: in one line, what is missing or damaged and where; never a model with default weights.
        """
        return cls.from_folder(*locate_model(pretrained_model_name_or_path, revision, token))

    @classmethod
    def from_folder(cls, folder: Path, config: CnnConfig) -> CnnModel:
        """Load what `folder.find` has found; see `from_pretrained`."""
        tensors = read_weights(config, folder / WEIGHTS_FILE)  # all of them fit before anything is built
        model = cls(config, folder=folder)
        for weight in model.network.weights:
            weight.assign(tensors[weight.path])
        if config.extra_tensor_shapes:
            model.ood_detector = OODDetector(
                model.network, config, *(tensors[name] for name in config.extra_tensor_shapes)
            )
        return model

    def push_to_hub(  # type: ignore[override] # as above
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        commit_message: str = "Publish a Trazo model",
    ) -> CommitInfo:
        """Upload the model in one commit; the repo is made where there is none.

        Raises:
            TrazoError: in one line: no token or right, another's commit in between, no network.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return commit_folder(
                Path(folder),
                repo_id,
                private=private,
                token=token,
                revision=revision,
                create_pr=create_pr,
                message=commit_message,
            )


def probabilities(outputs: np.ndarray, task: str) -> np.ndarray:
    """Return one column a label from the network's outputs: a sigmoid p becomes (1 − p, p)."""
    return np.concatenate([1 - outputs, outputs], axis=1) if task == "binary" else outputs


def _joined(parts: list[OODResult]) -> OODResult:
    if not parts:
        return OODResult(np.zeros(0, np.float32), np.zeros(0, bool))
    return OODResult(np.concatenate([one.score for one in parts]), np.concatenate([one.rejected for one in parts]))


def _holds(folder: Path, weights: bytes) -> bool:
    return (folder / WEIGHTS_FILE).is_file() and (folder / WEIGHTS_FILE).read_bytes() == weights


def _picture(image: object) -> Any:
    """Return the picture in a dataset's row, or the picture itself; encoded bytes are opened."""
    if isinstance(image, dict):
        # `datasets` gives a decoded picture, or {"bytes", "path"} where decoding is off.
        values = [value.get("bytes") if isinstance(value, dict) else value for value in image.values()]
        found = [value for value in values if isinstance(value, (Image.Image, bytes, np.ndarray))]
        if len(found) != 1:
            raise ImageError(f"a row must hold one picture; {sorted(image)} holds {len(found)}")
        image = found[0]
    return open_image(image) if isinstance(image, bytes) else image


def _fit(image: object, image_shape: tuple[int, int, int]) -> np.ndarray:
    if isinstance(image, bytes):
        return decode(image, image_shape)
    return resize_to_input(to_array(_picture(image)), image_shape)
