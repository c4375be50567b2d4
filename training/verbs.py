"""What each verb of the command line calls. TensorFlow is imported only once the arguments are known to be good."""

import argparse
import json
import logging
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from model.errors import TrazoError
from model.folders import check_can_be_made, set_up_caches
from model.logs import log_to, show
from model.quiet import quiet
from model.words import counted
from training.config import (
    TRIAL_OPTIONS,
    CacheConfig,
    DataConfig,
    DeployConfig,
    EvaluateConfig,
    ExportConfig,
    InspectConfig,
    OutputConfig,
    PredictConfig,
    PresetConfig,
    PublishConfig,
    RemoteConfig,
    StudyConfig,
    TrainConfig,
    TransferConfig,
    TrialsConfig,
    TuneConfig,
    WorkersConfig,
)
from training.loop.cluster import TUNER_ID, find_task
from training.options import collect_given, format_given
from training.tracking.tracking import check_trackers
from training.transfer.checks import check_search


def _import_step(module: str, function: str) -> Callable[..., Any]:
    """Return a function of `training.commands`, with what it needs set up."""
    set_up_caches(os.environ)
    with quiet():
        from training.data.parquet.hub_client import configure
        from training.devices import let_gpu_memory_grow

        step = getattr(import_module(f"training.commands.{module}"), function)
    configure()
    let_gpu_memory_grow()
    return step


def inspect_verb(options: argparse.Namespace) -> None:
    """Print what is in a dataset, and write its page."""
    config = InspectConfig(**collect_given(InspectConfig, options))
    data = DataConfig(config.dataset, **collect_given(DataConfig, options, skip=("dataset",)))
    if config.html:
        check_can_be_made(config.html.parent, "the folder of --html")
    log_to("stderr", logging.WARNING)  # standard output is the report, which says everything that a run would log
    set_up_caches(os.environ)
    with quiet():
        from training.data.inspection.page import render_page, write_page
        from training.data.inspection.report import describe_refused, inspect_dataset
        from training.data.inspection.text import format_report, format_split
        from training.data.parquet.hub_client import configure

    configure()
    try:
        inspection = inspect_dataset(data)
    except TrazoError:  # what was found helps to see why
        if not config.json and (contents := describe_refused(data)):
            show(format_split(contents))
        raise
    if config.html:
        write_page(config.html, render_page(inspection))
    # In ASCII: what a terminal cannot show is escaped as JSON does it.
    as_json = json.dumps(inspection.report.to_dict(), indent=1) + "\n"
    show(as_json if config.json else format_report(inspection.report), end="")
    if config.html:
        show(f"written: {config.html}", "stderr")


def run_verb(options: argparse.Namespace) -> None:
    """Search, train and evaluate, here or on a rented machine."""
    data, overrides, search = _data(options), _overrides(options), _search(options)
    transfer = TransferConfig(**collect_given(TransferConfig, options))
    check_search(collect_given(TuneConfig, options), transfer)
    remote = RemoteConfig(**collect_given(RemoteConfig, options))
    if remote.on:
        return _run_remotely(options, data, search, transfer, remote, _declared_output(options))
    output = _output(options)
    _refuse_several_workers("run")
    run_all = _import_step("run", "run_all")
    run_all(data, overrides, search, output.output, output.track, transfer)


def _run_remotely(
    options: argparse.Namespace,
    data: DataConfig,
    search: TuneConfig,
    transfer: TransferConfig,
    remote: RemoteConfig,
    output: OutputConfig,
) -> None:
    from training.remote.checks import check_remote
    from training.remote.launch import RemoteRun, launch, name_of

    check_remote(data, search, transfer, output.track)
    assert search.minutes is not None and remote.push_to is not None
    words = _format_options(options, without=RemoteConfig, skip=("output",))
    launch(
        RemoteRun(name_of(output.output), words, data, transfer, search.minutes, output.track, remote.push_to, remote)
    )


def tune_verb(options: argparse.Namespace) -> None:
    """Search hyperparameters."""
    for of_training, of_trial in TRIAL_OPTIONS.items():  # a search trains nothing but its trials
        if hasattr(options, of_training):
            if hasattr(options, of_trial):
                raise TrazoError(f"--{of_training} is another name of --{of_trial} here: give one".replace("_", "-"))
            setattr(options, of_trial, getattr(options, of_training))
            delattr(options, of_training)
    _refuse_several_workers("tune")
    data, overrides, search, output = _data(options), _overrides(options), _search(options), _output(options)
    search_data = _import_step("tune", "tune")
    search_data(data, overrides, search, output.output, output.track)


def train_verb(options: argparse.Namespace) -> int:
    """Train one network, in one process or in several."""
    task = find_task(os.environ)
    data, overrides = _data(options), _overrides(options)
    # Only the first worker writes and reports.
    output = _output(options) if task is None or task.rank == 0 else _declared_output(options)
    preset = PresetConfig(**collect_given(PresetConfig, options)).preset
    transfer = TransferConfig(**collect_given(TransferConfig, options))
    processes = WorkersConfig(**collect_given(WorkersConfig, options))
    if processes.workers > 1:
        from training.launch import run_workers

        return run_workers(["train", *_format_options(options, without=WorkersConfig)], processes)
    train_first = _import_step("train", "train")
    from training.follow import follow
    from training.loop.workers import connect, report_lost_workers

    workers = connect()
    with report_lost_workers(workers):
        if not workers.is_first:
            log_to("stdout", logging.WARNING)  # the first one says everything
            follow(data, workers)
        else:
            train_first(
                data,
                overrides,
                output.output,
                preset,
                track=output.track,
                transfer=transfer,
                workers=workers,
            )
            folder = output.output
            show(f"done: {folder}; measure it with `python -m training evaluate --model {folder} --dataset …`")
        workers.leave()
    return 0


def study_verb(options: argparse.Namespace) -> None:
    """Measure the choices of a network, and print their table."""
    _refuse_several_workers("study")
    data, output = _data(options), _output(options)
    config = StudyConfig(**collect_given(StudyConfig, options))
    run_study = _import_step("study", "study")
    show(run_study(data, config, output.output))


def trials_verb(options: argparse.Namespace) -> None:
    """Print the trials of a search."""
    config = TrialsConfig(**collect_given(TrialsConfig, options))
    with quiet():
        from training.tuning.trials_report import format_csv, format_leaderboard, read_trials

    report = read_trials(config.run)
    text = format_csv(report) if config.csv else format_leaderboard(report, config.best) + "\n"
    show(text, end="")


def evaluate_verb(options: argparse.Namespace) -> None:
    """Measure a model."""
    config = EvaluateConfig(**collect_given(EvaluateConfig, options))
    given = _given_data(options, skip=("split",)) | ({"test_split": config.split} if config.split else {})
    folder = config.output or (Path(config.model) if Path(config.model).is_dir() else None)
    if folder:
        check_can_be_made(folder, "--output" if config.output else "--model")
    evaluate_given = _import_step("evaluate", "evaluate_given")
    evaluate_given(config.model, given, folder, config.mistakes, config.average_views)


def predict_verb(options: argparse.Namespace) -> None:
    """Write a model's answers."""
    config = PredictConfig(**collect_given(PredictConfig, options))
    set_up_caches(os.environ)
    with quiet():
        from training.data.parquet.hub_client import configure
        from training.data.parquet.source import SourceOptions
        from training.prediction.predict import predict

    configure()
    predict(
        config.model,
        config.data,
        config.output,
        split=config.split,
        image_column=config.image_column,
        sketches=config.sketches,
        probabilities=config.probabilities,
        average_views=config.average_views,
        source=SourceOptions(config.config, config.revision),
    )


def publish_verb(options: argparse.Namespace) -> None:
    """Upload a run."""
    config = PublishConfig(**collect_given(PublishConfig, options))
    with quiet():
        from model.card.energy import Electricity
        from training.release.publish import publish

    intensity = config.grid_intensity
    electricity = None if intensity is None else Electricity(intensity, config.place)
    commit = publish(
        config.run,
        config.repo,
        private=config.private or None,
        revision=config.revision,
        create_pr=config.create_pr,
        license=config.license,
        seeds=config.seeds,
        electricity=electricity,
        supersedes=config.supersedes,
    )
    show(f"published: {commit.pr_url or commit.commit_url}")


def export_verb(options: argparse.Namespace) -> None:
    """Write and check a network for other runtimes, and print what was found."""
    config = ExportConfig(**collect_given(ExportConfig, options))
    check_can_be_made(config.run, "the run")
    set_up_caches(os.environ)
    with quiet():
        from model.card.usage import quantization_cost
        from training.data.parquet.hub_client import configure
        from training.release.export import export

        configure()
        report = export(config.run, list(dict.fromkeys(config.to)), config.dataset)
    for name in config.to:
        exported, checked_on = report.formats[name], report.formats[name].checked_on
        rows = f"{counted(checked_on.rows, 'row')} of {checked_on.dataset}, {checked_on.split}"
        found = quantization_cost(exported.quantization) if exported.quantization else "same predictions"
        difference = f"largest difference {exported.largest_difference:.1e}"
        time = f"; {exported.latency.milliseconds:.2g} ms an answer" if exported.latency else ""
        show(f"{config.run / exported.file}: {exported.bytes:,} bytes; {found} on {rows}; {difference}{time}")


def deploy_verb(options: argparse.Namespace) -> None:
    """Make a Space, or serve its folder here."""
    config = DeployConfig(**collect_given(DeployConfig, options))
    from training.release.deploy import deploy, serve

    if config.local:
        serve(config)
    else:
        show(f"deployed: {deploy(config)}")


def cache_verb(options: argparse.Namespace) -> None:
    """List or remove what is kept on disk."""
    config = CacheConfig(**collect_given(CacheConfig, options))
    if config.action not in (None, "list", "clear"):
        raise TrazoError(f"cache {config.action!r}: without a word it lists the cache, with clear it removes it")
    from training.data import cache

    entries = cache.choose_entries(cache.list_cache(), config.what, config.older_than)
    if config.action != "clear":
        if entries:
            show(cache.format_cache(entries))
        total = cache.format_bytes(sum(entry.bytes for entry in entries))
        show(f"{cache.cache_folder()}: {counted(len(entries), 'entry', 'entries')}, {total}")
        return
    freed, kept = cache.remove_entries(entries)
    for entry in kept:
        show(f"kept, as another process uses it: {entry.kind} of {entry.name}")
    show(f"removed {counted(len(entries) - len(kept), 'entry', 'entries')}: {cache.format_bytes(freed)} freed")


# --- Arguments that several verbs have ---


def _format_options(options: argparse.Namespace, without: type, skip: tuple[str, ...] = ()) -> list[str]:
    """Return the arguments of a verb for another process, without the options of one dataclass and those in `skip`."""
    groups = [(config, seen) for config, seen in options.verb.groups() if config is not without]
    return [word for config, seen in groups for word in format_given(config, options, [*seen, *skip])]


def _data(options: argparse.Namespace) -> DataConfig:
    given = _given_data(options)
    if "dataset" not in given:
        raise TrazoError("a dataset is needed: give --dataset, or --sketches for a dataset of free drawings")
    return DataConfig(**given)


def _given_data(options: argparse.Namespace, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields of DataConfig that the user gave; the datasets are in up to three of them."""
    given = collect_given(DataConfig, options, skip)
    datasets, sketches = given.pop("dataset", ()), given.pop("sketches", ())
    if first := (datasets + sketches)[:1]:
        given |= {"dataset": first[0], "extra_datasets": datasets[1:], "sketches": sketches}
    DataConfig(**{"dataset": ""} | given)  # report a value out of range before anything is imported or read
    return given


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    overrides = collect_given(TrainConfig, options)
    TrainConfig(**overrides)  # report a value out of range before anything is imported or read
    return overrides


def _search(options: argparse.Namespace) -> TuneConfig:
    return TuneConfig(**collect_given(TuneConfig, options))


def _declared_output(options: argparse.Namespace) -> OutputConfig:
    return OutputConfig(**collect_given(OutputConfig, options))


def _output(options: argparse.Namespace) -> OutputConfig:
    config = _declared_output(options)
    check_can_be_made(config.output, "--output")
    check_trackers(config.track)
    return config


def _refuse_several_workers(verb: str) -> None:
    """Refuse to do in each of several workers what one process does, except those of a search.

    Raises:
        TrazoError: if a launcher has described several workers, and this is none of a search.
    """
    is_search = verb != "study" and TUNER_ID in os.environ
    if (task := find_task(os.environ)) and not is_search:
        raise TrazoError(
            f"{len(task.addresses)} workers are described in the environment, and each would {verb} in one folder: "
            f"`train` is what they do together; a search with several processes needs {TUNER_ID} (docs/distributed.md)"
        )
