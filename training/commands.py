"""The way of the data, one function a step: open, tune, train, evaluate. Each goes on where it was stopped."""

import logging
import os
import platform
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from model import CnnConfig, CnnModel, heads
from model.artifacts import CHECKPOINT_FILE, CONFIG_FILE, EVALUATION_FILE, TRAINING_FILE, TRIALS_FILE
from model.errors import TrazoError
from model.io.atomic import write_json
from model.io.reports import evaluated_on_training_split, read_report
from model.io.weights import matches_weights, weights_hash
from training.augmentation.digit_variants import check_digits
from training.config import OF_A_TRIAL, DataConfig, TrainConfig, TuneConfig
from training.data.parquet.byte_ranges import HttpOptions
from training.data.parquet.source import SplitNotFoundError
from training.data.provenance import data_section
from training.data.statistics import pixel_histogram
from training.data.stream import HubStream
from training.evaluation import metrics
from training.evaluation.calibration import calibrate
from training.loop.precision import usable_precision
from training.loop.summary_writer import SummaryWriter
from training.loop.trainer import Progress, fit
from training.pipeline import first_image_shape
from training.presets import PRESETS
from training.release.publish import write_card
from training.tuning.search_space import SearchSpace, best_hyperparameters
from training.tuning.trials_report import read_trials
from training.tuning.tuner import SearchJob, run_search

SCHEMA_VERSION = 1
LARGEST_SIDE = 128  # of the network's input where no size is asked for; larger ones take minutes a batch without a GPU
FEW_STEPS = 200  # of a whole training: with fewer a network of any preset has hardly moved
FEW_STEPS_OF_A_TRIAL = 1000  # with fewer, what learns fast wins over what ends well
LIBRARIES = (
    "tensorflow",
    "keras",
    "keras-tuner",
    "datasets",
    "huggingface-hub",
    "numpy",
    "opencv-python-headless",
)

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class Data:
    """The two parts of the training split, and what their pictures look like."""

    train: HubStream
    validation: HubStream
    image_shape: tuple[int, int, int]


def open_stream(data: DataConfig, split: str, **settings: Any) -> HubStream:
    """Open one split of the first dataset."""
    return HubStream(
        data.dataset,
        split,
        config=data.config,
        revision=data.revision,
        image_column=data.image_column,
        label_column=data.label_column,
        task=data.task,
        sketches=data.dataset in data.sketches,
        on_error=data.on_error,
        window_rows=data.window_rows,
        http=HttpOptions(data.timeout, data.retries, data.cache_bytes),
        **settings,
    )


def open_data(data: DataConfig, settings: TrainConfig) -> Data:
    """Open the training split and hold its validation part out; before that the test part, where there is no split.

    Of several datasets each gives its own parts; their rows then follow one another.
    """
    order: dict[str, Any] = {"seed": settings.seed, "batch_size": settings.batch_size}
    first, *others = _one_by_one(data)
    streams = [open_stream(first, data.split, **order)]
    heads.check_head(streams[0].task, settings.loss or heads.default_loss(streams[0].task))
    if settings.digit_variants:
        check_digits(streams[0].labels)
    streams += [open_stream(other, data.split, **order) for other in others]
    columns = dict.fromkeys(column for stream in streams for column in stream.features)
    if data.group_column and data.group_column not in columns:
        raise TrazoError(f"no dataset has a column {data.group_column!r}; there are {', '.join(columns)}")
    stream = HubStream.concat([_learned_from(data, stream) for stream in streams])
    train, validation = stream.hold_out(data.validation_fraction)
    return Data(train, validation, _network_shape(first_image_shape(train), data.image_size))


def _learned_from(data: DataConfig, stream: HubStream) -> HubStream:
    """Return the rows that training may see: not those that `open_test` takes."""
    if data.group_column and data.group_column in stream.features:
        stream = stream.with_groups(data.group_column)
    if data.test_split == "test" and "test" not in stream.source.splits:
        stream, _ = stream.hold_out(data.test_fraction)
    return stream


def open_test(data: DataConfig, labels: tuple[str, ...] | None = None) -> tuple[HubStream, str]:
    """Open the test split; where the dataset has none, the rows that `open_data` held out in its place.

    Returns:
        (the stream, what to call its rows).

    Raises:
        TrazoError: for a split that was asked for by another name than `test` and is not there.
    """
    try:
        return open_stream(data, data.test_split, labels=labels), data.test_split
    except SplitNotFoundError:
        if data.test_split != "test":
            raise
    stream, by = open_stream(data, data.split, labels=labels), "row id"
    if data.group_column and data.group_column in stream.features:
        stream, by = stream.with_groups(data.group_column), data.group_column
    return stream.hold_out(data.test_fraction)[1], f"{data.split}, {data.test_fraction:.0%} held out by {by}"


def _network_shape(picture: tuple[int, int, int], size: int | None) -> tuple[int, int, int]:
    """Return height, width and channels of the network's input for pictures like the first one."""
    height, width, channels = picture
    scale = (size or min(max(height, width), LARGEST_SIDE)) / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale)), channels
    if shape != picture:
        _say(f"pictures of {width}×{height} pixels are brought to {shape[1]}×{shape[0]}")
    return shape


def tune(
    data: DataConfig, overrides: dict[str, Any], search: TuneConfig, folder: Path, tensorboard: bool = False
) -> dict[str, Any] | None:
    """Search hyperparameters and leave trials.json in the folder.

    Args:
        data: which rows.
        overrides: fields of TrainConfig that the person set; they are not searched.
        search: how to search.
        folder: of the run; a search in it that was stopped goes on.
        tensorboard: whether each trial leaves TensorBoard's files in the folder.

    Returns:
        the value of trials.json; None in a worker, where the chief has it.
    """
    settings = TrainConfig(**overrides)
    opened = open_data(data, settings)
    folder.mkdir(parents=True, exist_ok=True)
    fixed = {name: value for name, value in overrides.items() if name not in OF_A_TRIAL}
    space = SearchSpace(_base(opened), fixed, _histogram(opened, folder), search.search)
    steps = search.trial_epochs * min(len(opened.train), search.trial_steps or len(opened.train))
    if steps < FEW_STEPS_OF_A_TRIAL and not (folder / TRIALS_FILE).exists():
        _say(f"a trial is {steps} steps of some {settings.batch_size} pictures: more --trial-epochs would tell more")
    job = SearchJob(space, settings, search, opened.train, opened.validation, folder, tensorboard)
    outcome = run_search(job)
    if outcome.stop_reason:
        logger.info(outcome.stop_reason)
    report = outcome.report
    if report is None:
        _say("done: there are no further trials for this worker")
        return None
    best = next(trial for trial in report["trials"] if trial["trial_id"] == report["best_trial"])
    completed = sum(trial["status"] == "COMPLETED" for trial in report["trials"])
    _say(f"{completed} of {len(report['trials'])} trials completed; best: {best['trial_id']}, {best['score']:.4f}")
    return report


def train(
    data: DataConfig,
    overrides: dict[str, Any],
    folder: Path,
    preset: str | None = None,
    verbose: bool = True,
    tensorboard: bool = False,
) -> None:
    """Train, and leave config.json, model.safetensors, training.json and the card in the folder.

    Args:
        data: which rows.
        overrides: fields of TrainConfig that the person set; they come before those of the preset or the search.
        folder: of the run; a trials.json in it gives the hyperparameters where no preset is named.
        preset: a key of `PRESETS`.
        verbose: show progress.
        tensorboard: whether to leave TensorBoard's files in the folder.
    """
    report = read_trials(folder) if preset is None and (folder / TRIALS_FILE).exists() else None
    if report and report["best_trial"]:
        network, training = best_hyperparameters(report)
    else:
        preset = preset or "default"
        network, training = PRESETS[preset]()
    settings = TrainConfig(**training | overrides)
    settings = replace(settings, precision=usable_precision(settings.precision))  # so that the report tells the truth
    opened = open_data(data, settings)
    steps = settings.epochs * min(len(opened.train), settings.steps_per_epoch or len(opened.train))
    if steps < FEW_STEPS and not (folder / CHECKPOINT_FILE).exists():
        _say(f"only {steps} steps of training: more --epochs, or a smaller --batch-size, would give it more")
    folder.mkdir(parents=True, exist_ok=True)
    network["scaling"] = _histogram(opened, folder).fit(network["scaling"])
    versions = {name: version(name) for name in ("tensorflow", "keras")}
    config = CnnConfig(**_base(opened) | network, loss=settings.loss, title=_title(data.dataset), versions=versions)
    checkpoint = folder / CHECKPOINT_FILE
    board = SummaryWriter(folder / "tensorboard") if tensorboard else None
    trained, progress = fit(
        config,
        settings,
        opened.train,
        opened.validation,
        checkpoint=checkpoint,
        on_epoch=lambda progress: board.write(progress.history[-1]) if board else None,
        verbose=verbose,
    )

    if progress.epoch < settings.epochs:
        _say(f"stopped after epoch {progress.epoch} of {settings.epochs}: none was better since {progress.best_epoch}")
    # Killed between these, the same command finds the training finished in its checkpoint and writes them again.
    calibrate(config, trained, opened.train, opened.validation).save_pretrained(folder)
    write_json(
        folder / TRAINING_FILE,
        _training_report(opened, settings, network | {"loss": config.loss}, preset, trained.count_params(), progress)
        | {"options": {"data": _changed(data), "training": overrides}},
    )
    write_card(folder)


def evaluate(model: str, data: DataConfig, folder: Path | None, mistakes: int = 0) -> dict[str, Any]:
    """Measure a model on the test split of each dataset; write evaluation.json and the card where there is a folder.

    The first dataset's measures are the report's own; those of the others are listed in it under `extra_datasets`. Of
    the first alone some `mistakes` are kept; see `evaluate`.
    """
    cnn = CnnModel.from_pretrained(model)
    training = read_report(folder / TRAINING_FILE) if folder else None
    first, *others = [_measured(cnn, one, 0 if n else mistakes) for n, one in enumerate(_one_by_one(data))]
    result = first | ({"extra_datasets": others} if others else {})
    if training and evaluated_on_training_split(training, result):
        _say(f"not written to {folder}: these rows were learned from; --output takes it elsewhere")
    elif folder:
        assert cnn.folder is not None  # it was loaded
        result["weights_sha256"] = weights_hash(cnn.folder)
        write_json(folder / EVALUATION_FILE, result)
        if (folder / CONFIG_FILE).is_file():
            write_card(folder)
    return result


def _one_by_one(data: DataConfig) -> list[DataConfig]:
    """Return a config for each dataset; what was chosen for the first alone is left to the schema in the others."""
    others = [name for name in dict.fromkeys((*data.extra_datasets, *data.sketches)) if name != data.dataset]
    plain: dict[str, Any] = {
        "extra_datasets": (),
        "config": None,
        "revision": None,
        "image_column": None,
        "label_column": None,
    }
    return [replace(data, extra_datasets=())] + [replace(data, dataset=name, **plain) for name in others]


def _measured(cnn: CnnModel, data: DataConfig, mistakes: int) -> dict[str, Any]:
    stream, split = open_test(replace(data, task=cnn.config.task), cnn.config.labels)
    result = metrics.evaluate(cnn, stream, mistakes) | {"split": split, "sketches": data.dataset in data.sketches}
    if news := stream.take_skip_summary():
        _say(news)
    for name in ("accuracy", "mean_absolute_error", "loss"):
        if name in result:
            _say(f"{Path(data.dataset).name}, {split}: {name} {result[name]:.4f} on {result['rows']:,} rows")
    return result


def run_all(
    data: DataConfig, overrides: dict[str, Any], search: TuneConfig, folder: Path, tensorboard: bool = False
) -> None:
    """Tune, train, evaluate; steps that are done are not done again. A worker of a search only tunes.

    Once the training has begun, the search is over: a further trial, of a new budget of minutes say, might be the best
    and belong to another network than the one that is half trained.
    """
    if data.test_split == data.split:
        raise TrazoError(f"what is measured must not be learned from: both splits are {data.split!r}")
    for one in _one_by_one(data):
        open_test(one)  # a missing test split is told before hours of work, not after
    if (folder / CHECKPOINT_FILE).exists():
        _say("the training has begun: no further trials")
    elif tune(data, overrides, search, folder, tensorboard) is None:
        return
    train(data, overrides, folder, tensorboard=tensorboard)
    known = read_report(folder / EVALUATION_FILE)
    if not known or not matches_weights(known, folder):  # the test split is looked at once
        evaluate(str(folder), data, folder)
    _say(f"done: {folder}; publish it with `python -m training publish {folder} --repo owner/name`")


def _base(data: Data) -> dict[str, Any]:
    return {"labels": data.train.labels, "task": data.train.task, "image_shape": data.image_shape}


def _histogram(data: Data, folder: Path):
    return pixel_histogram(data.train, data.image_shape, folder / "pixels.json")


def _changed(data: DataConfig) -> dict[str, Any]:
    """Return what a person chose of the data, but which datasets: the report names these itself."""
    named = ("dataset", "extra_datasets", "sketches", "revision")
    chosen = {f.name: getattr(data, f.name) for f in fields(data) if f.name not in named}
    plain = DataConfig(data.dataset)
    return {name: value for name, value in chosen.items() if value != getattr(plain, name)}


def _title(dataset: str) -> str:
    # Of a local folder only the name: the way to it is nobody else's business.
    return f"Trazo on {Path(dataset).resolve().name if Path(dataset).is_dir() else dataset}"


def _training_report(
    data: Data,
    settings: TrainConfig,
    network: dict[str, Any],
    preset: str | None,
    parameters: int,
    progress: Progress,
) -> dict[str, Any]:
    flat = {name: value for name, value in network.items() if name != "scaling"} | {
        "scaling": network["scaling"].method
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "data": data_section(data.train, data.validation),
        "preset": preset,
        "hyperparameters": asdict(settings) | flat,
        "history": progress.history,
        "best_epoch": progress.best_epoch,
        "stopped_early": len(progress.history) < settings.epochs,
        "seed": settings.seed,
        "seconds": round(progress.seconds, 1),
        "parameters": parameters,
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def _say(text: str) -> None:
    print(text, flush=True)
