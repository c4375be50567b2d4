"""The search space of a dataset: which hyperparameters a search varies around which presets."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from model.backend import keras
import keras_tuner

from model.artifacts import TRIALS_FILE
from model.config import CnnConfig
from model.errors import TrazoError
from model.io.reports.trials import TrialsReport
from model.io.trials import fold_learning_rate
from model.network import build_network
from model.scaling import PixelHistogram
from training.presets import Preset
from training.tuning.hyperparameters import PENALTIES, SPACE, Hyperparameter, fit_to_dataset, fit_to_presets
from training.tuning.preset_points import PresetPoint

PRESET = "preset"  # the hyperparameter that says from which preset a point has what the others do not set
# What is searched if the user names nothing: what changes a good recipe to suit the data. Others, such as the
# activation, have a value that is good on most data; in few trials, a search of everything finds nothing better.
# Neither dropout nor augmentation is among them: short trials ask for less of both than long trainings do.
DEFAULT_SEARCH = (PRESET, "blocks", "filters", "convolutions", "learning_rate")
SEARCH_ALL = "all"


def searched_names(given: Sequence[str], overrides: Mapping[str, Any], has_presets: bool = True) -> tuple[str, ...]:
    """Return the names that a search varies, as `SearchSpace` takes them.

    Args:
        given: by the user; `all` for every name, none for those that change a good recipe.
        overrides: fields of TrainConfig that the user chose; they are not searched.
        has_presets: whether any preset suits the data and is small enough.
    """
    if tuple(given) == (SEARCH_ALL,):
        return ()
    left_out = {*overrides} if has_presets else {*overrides, PRESET}
    return tuple(given) or tuple(name for name in DEFAULT_SEARCH if name not in left_out)


class Space(Protocol):
    """What a search needs to know of its points."""

    base: dict[str, Any]  # fields of CnnConfig that the dataset gives
    overrides: Mapping[str, Any]  # fields of TrainConfig that the user chose
    searched: tuple[str, ...]  # names of the hyperparameters that vary; empty: all of them
    presets: Mapping[str, Preset]  # that points start from, by name; the one that gives the defaults first

    def point(self, hp: keras_tuner.HyperParameters) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (fields of CnnConfig, fields of TrainConfig) of a point; `scaling` is the name of the method."""

    def config(self, hp: keras_tuner.HyperParameters) -> CnnConfig:
        """Return the config of a point's network, with the scaling fitted."""


class SearchSpace(keras_tuner.HyperModel):
    """The search space of one dataset, around the presets that suit it.

    A point has a preset. The hyperparameters that are searched replace what the preset says; all else that it says,
    such as the moving average of the weights, holds for the point too. A point whose values are those of its preset
    trains exactly what the preset trains.

    Example:
        >>> space = SearchSpace({"task": "multiclass", "labels": ("a", "b", "c"), "image_shape": (28, 28, 1)})
        >>> architecture, training = space.point(keras_tuner.HyperParameters())
        >>> architecture["filters"], training["optimizer"]
        ((24, 48, 96), 'adamw')
    """

    def __init__(
        self,
        base: dict[str, Any],
        overrides: Mapping[str, Any] | None = None,
        histogram: PixelHistogram | None = None,
        searched: Iterable[str] = (),
        presets: Mapping[str, Preset] | None = None,
    ) -> None:
        """Set what all points share.

        Args:
            base: fields of CnnConfig that the dataset gives: task, labels, image_shape.
            overrides: fields of TrainConfig that the user chose; they are not searched.
            histogram: of the pixels of the training rows, for the scaling; only `config` and `build` need it.
            searched: names of the hyperparameters that vary, the others keep the values of the point's preset; empty:
                all of them.
            presets: name -> preset, the one that gives the defaults first; none: the defaults are those of the table.

        Raises:
            TrazoError: if the space does not have a name, or it has no effect without another one.
        """
        super().__init__(name="trazo")
        self.base = base
        self.overrides = dict(overrides or {})
        self.searched = tuple(searched)
        self._histogram = histogram
        self.presets = dict(presets or {})
        self._presets = {name: PresetPoint.of(preset, base) for name, preset in self.presets.items()}
        self._parameters = [
            fit_to_presets(fit_to_dataset(parameter, base), self._presets.values())
            for parameter in SPACE
            if fold_learning_rate(parameter.name) not in self.overrides
        ]
        names = dict.fromkeys(
            [*([PRESET] if self._presets else []), *(fold_learning_rate(one.name) for one in self._parameters)]
        )
        if unknown := sorted({*self.searched} - names.keys()):
            raise TrazoError(f"unknown hyperparameter {unknown[0]!r} to search; there are {', '.join(names)}")
        if "regularization" not in self.searched and (alone := sorted({*PENALTIES} & {*self.searched})):
            raise TrazoError(f"{alone[0]} exists only with some regularization: search regularization too")

    def length(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return epochs, steps of an epoch and patience of a training with a point: those of its preset.

        Args:
            values: of the point; the first preset gives the length unless they name another one.
        """
        preset = self._presets.get(values.get(PRESET, next(iter(self._presets), "")))
        return dict(preset.length) if preset else {}

    def known_points(self) -> dict[str, dict[str, Any]]:
        """Return the values of every hyperparameter for each preset, by its name.

        Only the first one is a point if the user does not search for the preset.
        """
        names = self._preset_names()
        return {name: self.complete({PRESET: name, **self._presets[name].values}) for name in names}

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a point, without those that this space does not search, and defaults where one lacks."""
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        self.point(hp)
        return {one.name: hp.values[one.name] for one in hp.space if hp.is_active(one)}

    def point(self, hp: keras_tuner.HyperParameters) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (fields of CnnConfig, fields of TrainConfig) of a point; `scaling` is the name of the method."""
        preset = self._presets[hp.Choice(PRESET, self._preset_names())] if self._presets else None
        own = preset.values if preset else {}
        chosen = dict(self.overrides)
        fields: dict[str, dict[str, Any]] = {"architecture": {}, "training": dict(self.overrides)}
        for parameter in self._parameters:
            with self._scope(parameter, hp):
                if parameter.exists(chosen):
                    kept = own.get(parameter.name, parameter.default_value())
                    value = parameter.choose(hp) if self._varies(parameter.name) else kept
                    chosen[parameter.name] = value
                    fields[parameter.part][fold_learning_rate(parameter.name)] = value
        architecture = _architecture_fields(fields["architecture"], preset)
        return architecture, (preset.training if preset else {}) | fields["training"]

    def config(self, hp: keras_tuner.HyperParameters) -> CnnConfig:
        """Return the config of a point's network, with the scaling fitted.

        Raises:
            TrazoError: if no network has this combination.
        """
        architecture, training = self.point(hp)
        assert self._histogram is not None, "needed for `config` and `build`"
        architecture["scaling"] = self._histogram.fit(architecture["scaling"])
        return CnnConfig(**self.base | architecture, loss=training["loss"])

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return the network of a point with fresh weights, as KerasTuner requires of a HyperModel."""
        return build_network(self.config(hp))

    def _preset_names(self) -> list[str]:
        names = list(self._presets)
        return names if self._varies(PRESET) else names[:1]

    def _varies(self, name: str) -> bool:
        return name not in self.overrides and (not self.searched or fold_learning_rate(name) in self.searched)

    def _scope(self, parameter: Hyperparameter, hp: keras_tuner.HyperParameters) -> AbstractContextManager:
        """Return KerasTuner's scope for a condition; none is needed if the other hyperparameter has one value."""
        if not parameter.when:
            return nullcontext()
        name, values = parameter.when
        if self._varies(name):
            return hp.conditional_scope(name, list(values))
        presets = self._preset_names() if name not in self.overrides else []
        needing = [one for one in presets if self._presets[one].values.get(name) in values]
        return hp.conditional_scope(PRESET, needing) if 0 < len(needing) < len(presets) else nullcontext()


def _architecture_fields(values: dict[str, Any], preset: PresetPoint | None) -> dict[str, Any]:
    blocks, filters = values["blocks"], values["filters"]
    fields = {name: value for name, value in values.items() if name not in ("blocks", "regularization")}
    fields["filters"] = tuple(filters * 2**block for block in range(blocks))
    fields["dense_units"] = (values["dense_units"],) if values["dense_units"] else ()
    if preset is None:
        return fields
    fields["filters"] = preset.filters_of(blocks, filters)
    fields["convolutions"] = preset.convolutions_of(blocks, values["convolutions"])
    return preset.architecture | fields


def space_of(report: TrialsReport, histogram: PixelHistogram | None = None) -> SearchSpace:
    """Return the space of a search that was made before.

    Args:
        report: the search.
        histogram: see `SearchSpace`.

    Raises:
        TrazoError: if the report does not say what the dataset decided about the network.
    """
    if report.subject is None:
        raise TrazoError(f"{TRIALS_FILE} does not name the task and the labels of its search: search again")
    presets = {name: Preset(one.architecture, one.training) for name, one in (report.presets or {}).items()}
    return SearchSpace(report.subject.to_dict(), report.overrides, histogram, report.searched or (), presets)


def best_hyperparameters(report: TrialsReport) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return (fields of CnnConfig, fields of TrainConfig) of the trial that is trained; None if none has completed.

    Raises:
        TrazoError: if the report does not say what the dataset decided about the network.
    """
    if report.chosen is None:
        return None
    hp = keras_tuner.HyperParameters()
    hp.values = dict(report.chosen.hyperparameters)
    space = space_of(report)
    architecture, training = space.point(hp)
    return architecture, space.length(hp.values) | training
