"""Start a training from a model of Trazo: its network, its scaling, and its weights as far as the labels allow."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from model.backend import keras
import numpy as np

from model import CnnConfig, CnnModel
from model.artifacts import CARD_FILE
from model.errors import TrazoError
from model.io.reports.training import MAX_DATASETS, StartingPoint
from model.io.weights import weights_hash
from training.config import DataConfig
from training.data.folders.readme import read_front_matter
from training.evaluation.learned import read_training
from training.loop.trainer import Start
from training.recipe import Recipe
from training.transfer.backbone import FINETUNING, short_text

# Fields of CnnConfig that describe the network itself; the others follow from the new data and the new training.
NOT_TAKEN = (
    "labels",
    "task",
    "loss",
    "image_shape",
    "pixel_format",
    "target_scaling",
    "temperature",
    "ood_threshold",
    "min_confidence",
    "title",
    "versions",
)
LEARNING_RATE_FACTOR = 1 / 3  # of a recipe's: weights that are good already are changed less


class StartingModel:
    """A model of Trazo that a training starts from.

    Attributes:
        about: what reports say of it.
    """

    def __init__(self, name: str) -> None:
        """Load it.

        Args:
            name: folder or Hub id.

        Raises:
            ModelError: if it cannot be loaded.
        """
        self._model = CnnModel.from_pretrained(name)
        folder = self._model.folder
        assert folder is not None  # it was loaded
        is_folder = Path(name).is_dir()
        training = read_training(folder)
        self.about = StartingPoint(
            name=folder.resolve().name if is_folder else name,
            revision=None if is_folder else folder.name,
            license=short_text(read_front_matter(folder / CARD_FILE).get("license")),
            datasets=[source.dataset for source in training.data.sources[:MAX_DATASETS]] if training else [],
            weights_sha256=weights_hash(folder),
        )

    @property
    def config(self) -> CnnConfig:
        """Of its network."""
        return self._model.config

    def adapt(self, recipe: Recipe, is_chosen: bool = False) -> Recipe:
        """Return a recipe with this model's network and scaling, and a lower learning rate.

        Args:
            recipe: of a fresh network.
            is_chosen: whether the user named its preset; else a network with a backbone trains as `--finetune` does.
        """
        if self.config.backbone and not is_chosen:
            return Recipe(self._architecture(), FINETUNING, mirrors_if_it_may=True)
        rate = recipe.training["learning_rate"] * LEARNING_RATE_FACTOR
        return replace(recipe, architecture=self._architecture(), training=recipe.training | {"learning_rate": rate})

    def _architecture(self) -> dict[str, Any]:
        taken = {f.name: getattr(self.config, f.name) for f in fields(CnnConfig) if f.name not in NOT_TAKEN}
        return taken | {"scaling": self.config.scaling}

    def with_images(self, data: DataConfig) -> DataConfig:
        """Return which rows to read, with images of the color and size that the network takes.

        Raises:
            TrazoError: if the user asked for other ones.
        """
        height, width, channels = self.config.image_shape
        side, color = max(height, width), "gray" if channels == 1 else "rgb"
        if data.image_size not in (None, side) or data.color not in (None, color):
            raise TrazoError(
                f"{self.about.name} takes {color} images of {height} × {width} pixels: leave out --color and "
                "--image-size"
            )
        return replace(data, image_size=side, color=color)

    def start(self, config: CnnConfig) -> Start:
        """Return the weights for a network of another config.

        Those of the last layer are taken label by label, of the labels that both have; a label that is new, and a
        layer of another task, start afresh.
        """
        return Start(
            lambda network: self._assign(network, config),
            {"model": self.about.name, "weights": self.about.weights_sha256},
        )

    def _assign(self, network: keras.Model, config: CnnConfig) -> None:
        known = {weight.path: weight.numpy() for weight in self._model.network.weights}
        for weight in network.weights:
            if not weight.path.startswith("head/"):
                weight.assign(known[weight.path])
        old, new = self.config, config
        if (old.task, new.task) == ("multiclass", "multiclass"):
            self._assign_shared_labels(network.get_layer("head"), known, new.labels)
        elif old.task == new.task and old.labels == new.labels:
            self._assign_rescaled(network.get_layer("head"), known, new)

    def _assign_rescaled(self, head: keras.layers.Dense, known: dict[str, np.ndarray], new: CnnConfig) -> None:
        """Assign the last layer so that its answers, in the unit of the targets, stay what they are."""
        kernel, bias = known["head/kernel"], known["head/bias"]
        before, after = self.config.target_offset_and_scale, new.target_offset_and_scale
        if before != after or self.config.loss != new.loss:
            if "poisson" in (self.config.loss, new.loss):
                return  # its softplus is not linear: no kernel gives the same answers, and the layer starts afresh
            kernel, bias = kernel * before[1] / after[1], (bias * before[1] + before[0] - after[0]) / after[1]
        head.set_weights([kernel, bias])

    def _assign_shared_labels(
        self, head: keras.layers.Dense, known: dict[str, np.ndarray], labels: tuple[str, ...]
    ) -> None:
        kernel, bias = (weight.numpy() for weight in (head.kernel, head.bias))
        old_ids = {label: old for old, label in enumerate(self.config.labels)}
        for new, label in enumerate(labels):
            if (old := old_ids.get(label)) is not None:
                kernel[:, new], bias[new] = known["head/kernel"][:, old], known["head/bias"][old]
        head.kernel.assign(kernel)
        head.bias.assign(bias)
