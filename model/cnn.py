"""`CnnModel`: a network with its config, loaded from and published to the Hub."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from model.backend import keras, tf
import numpy as np
from huggingface_hub import CommitInfo

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
from model.card.of_folder import license_of_folder, write_card_of_folder
from model.config import MAX_FEATURE_MAP_VALUES, CnnConfig
from model.errors import ModelError, TrazoError
from model.io.atomic import atomic_write
from model.io.exported_files import exported_files
from model.io.files import copy_file, read_file
from model.io.hub import commit_folder, with_owner
from model.io.keras_files import write_keras_files
from model.io.locate import locate_model
from model.io.published_card import find_space
from model.io.reports import read_report
from model.io.weights import matches_weights, read_weights, weights_hash, weights_to_bytes
from model.network import build_network
from model.ood import OODDetector, OODResult
from model.preprocess.foreground import BlankDrawingError
from model.preprocess.inputs import images_to_inputs, iterate_images, sketches_to_inputs, unwrap_image
from model.preprocess.sketch import sketch_to_input
from model.views import other_views

MAX_BATCH_SIZE = 256  # images that go through the network together: bounds memory, costs no speed


class CnnModel:
    """A Keras CNN with labels: images in, probabilities out.

    It holds the network rather than being one (composition), since Keras and the Hub have other ideas of a config.
    Its Hub methods are like those of huggingface_hub's `ModelHubMixin`, except that all files are read at one commit:
    the mixin reads a config by the name of the branch, which may move between two files.

    Attributes:
        config: the `CnnConfig`.
        network: the `keras.Model`, raw pixels in, probabilities (or a number) out.
        folder: where it was loaded from, with the reports next to the weights; None for a model made here.
        ood_detector: detects images unlike those it was trained on; None for a model without a detector.

    Example:
        >>> cnn = CnnModel.from_pretrained()  # the bundled digits; or "owner/name", or a folder
        >>> digit = cnn.predict_sketch(PIL.Image.open("seven.png")).argmax()
        >>> cnn.config.labels[digit]
        '7'
    """

    def __init__(
        self,
        config: CnnConfig,
        network: keras.Model | None = None,
        folder: Path | None = None,
        ood_detector: OODDetector | None = None,
    ) -> None:
        """Wrap a network, or build one with fresh weights from the config."""
        self.config = config
        self.network = network or build_network(config)
        self.folder = folder
        self.ood_detector = ood_detector
        # Images with large feature maps go through one by one.
        self._batch_size = min(MAX_BATCH_SIZE, MAX_FEATURE_MAP_VALUES // config.largest_map)
        signature = [tf.TensorSpec((None, *config.image_shape), tf.float32)]
        self._forward = tf.function(lambda pixels: self.network(pixels, training=False), signature)

    def predict(self, images: Iterable) -> np.ndarray:
        """Return the network's predictions for images that look like those of the dataset.

        Args:
            images: Pillow images, uint8 or uint16 arrays (h, w[, c]), encoded bytes, or rows of a dataset (a mapping
                with one of these in it); a list, an array (n, h, w[, c]) or any iterable of them. Images of another
                size are resized with their aspect kept. A single image counts as a list of one; so does an array of
                three axes whose last one is 1, 3 or 4, unless it is a batch of the network's own size.

        Returns:
            float32 (n, labels), each row summing to 1; for regression (n, 1), the numbers themselves.

        Raises:
            ImageError: if something is not an image.
            ModelError: if the weights give numbers too large for float32.
        """
        return self._predict_inputs(images_to_inputs(images, self.config.image_shape, self.config.pixel_format))

    def predict_sketch(self, drawings: Iterable) -> np.ndarray:
        """Return the network's predictions for free drawings of any size, polarity, transparency or position.

        `sketch_to_input` first makes each drawing look like the training data.

        Args:
            drawings: as `predict` takes images.

        Returns:
            what `predict` returns.

        Raises:
            BlankDrawingError: if nothing is drawn.
            ImageError: if something is not an image.
            ModelError: as `predict`.
        """
        return self._predict_inputs(sketches_to_inputs(drawings, self.config.image_shape))

    def reject(self, images: Iterable) -> OODResult:
        """Detect images unlike everything the network was trained on: its predictions for them mean nothing.

        Args:
            images: as `predict` takes them.

        Returns:
            `score`, float32 (n,), and `rejected`, bool (n,), which is true for scores above 1.

        Raises:
            TrazoError: if the model was saved without a detector.
            ImageError: if something is not an image.
        """
        return self._reject_inputs(images_to_inputs(images, self.config.image_shape, self.config.pixel_format))

    def predict_and_reject(
        self, images: Iterable, average_views: str | None = None
    ) -> tuple[np.ndarray, OODResult | None]:
        """Return what `predict` and `reject` return, from one pass through the network: in about half the time.

        The second value is None for a model that was saved without a detector.

        Args:
            images: as `predict` takes them.
            average_views: a key of `model.views.VIEWS`; the predictions are then the mean over these views of an image
                (test-time augmentation). `reject` always judges the image itself.

        Raises:
            ImageError: if something is not an image.
            ModelError: as `predict`.
        """
        inputs = images_to_inputs(images, self.config.image_shape, self.config.pixel_format)
        return self.predict_inputs(inputs, average_views)

    def predict_inputs(
        self, inputs: Iterable[np.ndarray], average_views: str | None = None
    ) -> tuple[np.ndarray, OODResult | None]:
        """Do what `predict_and_reject` does, for images that are decoded and of the network's size already.

        Args:
            inputs: uint8 arrays of the network's shape (h, w, c), or an array (n, h, w, c) of them.
            average_views: as for `predict_and_reject`.

        Raises:
            ModelError: as `predict`.
        """
        all_outputs, rejections = [], []
        for batch in self._batches(inputs):
            if self.ood_detector is None:
                outputs = self._forward(batch).numpy()
            else:
                outputs, ood = self.ood_detector.predict(batch)
                rejections.append(ood)
            if others := other_views(batch, average_views):
                outputs = np.mean([outputs, *(self._forward(one).numpy() for one in others)], axis=0)
            all_outputs.append(outputs)
        predictions = self._to_predictions(all_outputs)
        return predictions, None if self.ood_detector is None else _concat_results(rejections)

    def reject_sketch(self, drawings: Iterable) -> OODResult:
        """Do what `reject` does, for free drawings; one without a stroke is rejected with an infinite score.

        Raises:
            TrazoError: as `reject`.
            ImageError: if something is not an image.
        """
        inputs, has_stroke = [], []
        for drawing in iterate_images(drawings, self.config.image_shape):
            try:
                inputs.append(sketch_to_input(unwrap_image(drawing), self.config.image_shape))
                has_stroke.append(True)
            except BlankDrawingError:
                has_stroke.append(False)
        score = np.full(len(has_stroke), np.inf, np.float32)
        score[np.array(has_stroke, bool)] = self._reject_inputs(inputs).score
        return OODResult(score, score > 1)

    def _batches(self, inputs: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        inputs = iter(inputs)
        while pixels := list(islice(inputs, self._batch_size)):
            yield np.stack(pixels).astype(np.float32)

    def _predict_inputs(self, inputs: Iterable[np.ndarray]) -> np.ndarray:
        return self._to_predictions([self._forward(batch).numpy() for batch in self._batches(inputs)])

    def _to_predictions(self, outputs: list[np.ndarray]) -> np.ndarray:
        if not outputs:
            return np.zeros((0, len(self.config.labels)), np.float32)
        joined = np.concatenate(outputs)
        if not np.isfinite(joined).all():  # argmax would return the first label
            raise ModelError("this network's weights give predictions that are not finite numbers")
        return to_probabilities(joined, self.config.task)

    def _reject_inputs(self, inputs: Iterable[np.ndarray]) -> OODResult:
        if self.ood_detector is None:
            raise TrazoError(
                "this model was saved without an out-of-distribution score; `python -m training train` fits one"
            )
        return _concat_results([self.ood_detector.predict(batch)[1] for batch in self._batches(inputs)])

    # --- Files ---

    def save_pretrained(self, save_directory: str | os.PathLike) -> None:
        """Write config, weights and card, the network as Keras itself saves it, and the reports of these weights.

        The card and the training report of other weights that were in the folder are deleted.

        Raises:
            OSError: if the folder cannot be written.
        """
        target, source = Path(save_directory), self.folder
        target.mkdir(parents=True, exist_ok=True)
        weights = weights_to_bytes(self.network, self.ood_detector.tensors() if self.ood_detector else {})
        if not _has_weights(target, weights):
            for name in (CARD_FILE, *CARD_FIGURES, TRAINING_FILE):
                (target / name).unlink(missing_ok=True)
        atomic_write(target / CONFIG_FILE, self.config.to_json())
        atomic_write(target / WEIGHTS_FILE, weights)
        write_keras_files(self.config, self.network, target)
        if source and source.resolve() != target.resolve() and _has_weights(source, weights):
            for name in (CARD_FILE, *CARD_FIGURES, *REPORT_FILES):
                copy_file(source, name, target)
            # A run that was trained again but not evaluated again still has the evaluation of its former weights.
            evaluation = read_report(source / EVALUATION_FILE)
            if evaluation is not None and not matches_weights(evaluation.get("weights_sha256"), source):
                (target / EVALUATION_FILE).unlink()
        if not (target / CARD_FILE).exists():
            atomic_write(target / CARD_FILE, str(render_card(self.config)))

    @classmethod
    def from_pretrained(
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
            token: of the Hub, as huggingface_hub takes it; None for the environment's.

        Raises:
            ModelError: if something is missing or damaged; one line says what and where.
        """
        return cls.from_folder(*locate_model(pretrained_model_name_or_path, revision, token))

    @classmethod
    def from_folder(cls, folder: Path, config: CnnConfig) -> CnnModel:
        """Load what `locate_model` has found; see `from_pretrained`."""
        tensors = read_weights(config, folder / WEIGHTS_FILE)  # all are checked before anything is built
        model = cls(config, folder=folder)
        for weight in model.network.weights:
            weight.assign(tensors[weight.path])
        model.ood_detector = OODDetector.from_tensors(model.network, config, tensors)
        return model

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        commit_message: str = "Publish a Trazo model",
    ) -> CommitInfo:
        """Upload the model in one commit; the repo is created if it does not exist.

        Its card and its notebook load the model from that repo. The license is that of the folder's card, and a Space
        that the repo's card links stays linked.

        Args:
            repo_id: `owner/name`, or a name of the account's own.
            private: whether a new repo is private; None for the account's default.
            token: of the Hub, as huggingface_hub takes it; None for the environment's.
            revision: branch, created from the main branch if it does not exist; None for the main branch.
            create_pr: open a pull request instead of committing to the branch.
            commit_message: the commit's title.

        Raises:
            TrazoError: if a token, the right to write or the network is missing, or somebody else committed in between.
        """
        repo_id = with_owner(repo_id, token)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            self.save_pretrained(folder)
            if self.folder and matches_weights(weights_hash(folder), self.folder):
                for name in exported_files(self.folder):
                    copy_file(self.folder, name, folder)
            write_card_of_folder(folder, repo_id, license_of_folder(folder), space=find_space(repo_id, token))
            return commit_folder(
                folder,
                repo_id,
                private=private,
                token=token,
                revision=revision,
                create_pr=create_pr,
                message=commit_message,
            )


def to_probabilities(outputs: np.ndarray, task: str) -> np.ndarray:
    """Return one column per label from the network's outputs: a sigmoid p becomes (1 − p, p)."""
    return np.concatenate([1 - outputs, outputs], axis=1) if task == "binary" else outputs


def _concat_results(parts: list[OODResult]) -> OODResult:
    if not parts:
        return OODResult(np.zeros(0, np.float32), np.zeros(0, bool))
    return OODResult(np.concatenate([one.score for one in parts]), np.concatenate([one.rejected for one in parts]))


def _has_weights(folder: Path, weights: bytes) -> bool:
    return read_file(folder, WEIGHTS_FILE) == weights
