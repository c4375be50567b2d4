"""Command line: `python -m training VERB --help`. It parses and calls, nothing else. docs/cli.md lists every option."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from model import __version__
from model.console import set_up_console
from model.errors import TrazoError
from model.folders import check_can_be_made, set_up_caches
from model.library_settings import set_up_libraries
from model.logs import log_to, show
from model.network_settings import set_up_network
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
from training.options import add_options, collect_given, format_given, get_group_title, list_options
from training.tracking.tracking import check_trackers


def main(arguments: list[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: without the program's name; None for those of this process.

    Returns:
        the exit status: 0, 2 for a user error, which is reported in one line, 75 if another worker of the training
        was lost, or 130 for Ctrl-C, as in a shell.
    """
    try:
        options = build_parser().parse_args(arguments)
        options.command_line = sys.argv[1:] if arguments is None else arguments
    except SystemExit as end:  # after --help, --version or a wrong argument
        return int(end.code or 0)
    log_to("stdout")
    try:
        return options.call(options) or 0
    except TrazoError as error:
        show(f"trazo: {error}", "stderr")
        return error.exit_code
    except KeyboardInterrupt:
        show("trazo: stopped; run the same command again to resume", "stderr")
        return 130
    except OSError as error:  # a full disk, a folder without write permission
        show(f"trazo: {error}; fix this and run the same command again to resume", "stderr")
        return 2
    except Exception as error:
        if (reason := _describe_failure(error)) is None:
            raise
        show(f"trazo: {reason}", "stderr")
        return 2


def _describe_failure(error: Exception) -> str | None:
    """Return why there was not enough memory, or an operation of TensorFlow failed; None for any other error."""
    hint = "give a smaller --batch-size or --image-size, or end other programs"
    if isinstance(error, MemoryError):
        return f"out of memory{f' ({error})' if str(error) else ''}: {hint}"
    if "tensorflow" not in sys.modules:
        return None
    from model.backend import tf

    from training.tf_errors import summarize_tf_error

    if not isinstance(error, tf.errors.OpError):
        return None
    return f"{summarize_tf_error(error)}{f'; {hint}' if isinstance(error, tf.errors.ResourceExhaustedError) else ''}"


def run_and_exit() -> NoReturn:
    """Run the command line and end the process.

    Not by `sys.exit`: if a thread of tf.data asks for the interpreter while it shuts down, it waits forever.
    """
    set_up_console()
    log_to("stdout")
    set_up_libraries(os.environ)
    set_up_network(os.environ)
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


# --- Verbs. TensorFlow is imported only once the arguments are known to be good. ---


def _import_commands() -> ModuleType:
    set_up_caches(os.environ)
    with quiet():
        from training import commands
        from training.data.parquet.hub_client import configure
        from training.devices import let_gpu_memory_grow

    configure()
    let_gpu_memory_grow()
    return commands


def _inspect(options: argparse.Namespace) -> None:
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


def _run(options: argparse.Namespace) -> None:
    data, overrides, search, output = _data(options), _overrides(options), _search(options), _output(options)
    transfer = TransferConfig(**collect_given(TransferConfig, options))
    remote = RemoteConfig(**collect_given(RemoteConfig, options))
    if remote.on:
        return _run_remotely(options, data, search, transfer, remote, output)
    commands = _import_commands()
    commands.run_all(data, overrides, search, output.output, output.track, transfer)


def _run_remotely(
    options: argparse.Namespace,
    data: DataConfig,
    search: TuneConfig,
    transfer: TransferConfig,
    remote: RemoteConfig,
    output: OutputConfig,
) -> None:
    from training.remote.launch import RemoteRun, check_remote, launch, name_of

    check_remote(data, search, transfer)
    assert search.minutes is not None
    groups = [(config, skip) for config, skip in VERBS["run"].groups() if config is not RemoteConfig]
    words = [word for config, skip in groups for word in format_given(config, options, [*skip, "output"])]
    launch(RemoteRun(name_of(output.output), words, search.minutes, output.track, remote))


def _tune(options: argparse.Namespace) -> None:
    for of_training, of_trial in TRIAL_OPTIONS.items():  # a search trains nothing but its trials
        if hasattr(options, of_training):
            if hasattr(options, of_trial):
                raise TrazoError(f"--{of_training} is another name of --{of_trial} here: give one".replace("_", "-"))
            setattr(options, of_trial, getattr(options, of_training))
            delattr(options, of_training)
    data, overrides, search, output = _data(options), _overrides(options), _search(options), _output(options)
    commands = _import_commands()
    commands.tune(data, overrides, search, output.output, output.track)


def _train(options: argparse.Namespace) -> int:
    data, overrides, output = _data(options), _overrides(options), _output(options)
    preset = PresetConfig(**collect_given(PresetConfig, options)).preset
    transfer = TransferConfig(**collect_given(TransferConfig, options))
    processes = WorkersConfig(**collect_given(WorkersConfig, options))
    if processes.workers > 1:
        from training.launch import run_workers

        return run_workers(options.command_line, processes)
    commands = _import_commands()
    from training.follow import follow
    from training.loop.workers import connect, report_lost_workers

    workers = connect()
    with report_lost_workers(workers):
        if not workers.is_first:
            log_to("stdout", logging.WARNING)  # the first one says everything
            follow(data, workers)
        else:
            commands.train(
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
        workers.wait()
    return 0


def _study(options: argparse.Namespace) -> None:
    data, output = _data(options), _output(options)
    study = StudyConfig(**collect_given(StudyConfig, options))
    commands = _import_commands()
    show(commands.study(data, study, output.output))


def _trials(options: argparse.Namespace) -> None:
    config = TrialsConfig(**collect_given(TrialsConfig, options))
    with quiet():
        from training.tuning.trials_report import format_csv, format_leaderboard, read_trials

    report = read_trials(config.run)
    text = format_csv(report) if config.csv else format_leaderboard(report, config.best) + "\n"
    show(text, end="")


def _evaluate(options: argparse.Namespace) -> None:
    config = EvaluateConfig(**collect_given(EvaluateConfig, options))
    given = _given_data(options, skip=("split",)) | ({"test_split": config.split} if config.split else {})
    folder = config.output or (Path(config.model) if Path(config.model).is_dir() else None)
    if folder:
        check_can_be_made(folder, "--output" if config.output else "--model")
    commands = _import_commands()
    commands.evaluate_given(config.model, given, folder, config.mistakes, config.average_views)


def _predict(options: argparse.Namespace) -> None:
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


def _publish(options: argparse.Namespace) -> None:
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


def _export(options: argparse.Namespace) -> None:
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


def _deploy(options: argparse.Namespace) -> None:
    config = DeployConfig(**collect_given(DeployConfig, options))
    if not config.local and not config.repo:
        raise TrazoError("a Space needs a name: give --repo owner/name, or --local to serve it on this machine")
    from training.release.deploy import deploy, serve

    if config.local:
        serve(config.model, config.revision, config.output or Path("runs/space"))
    else:
        show(f"deployed: {deploy(config)}")


def _cache(options: argparse.Namespace) -> None:
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


# --- Arguments ---


@dataclass(frozen=True)
class Verb:
    """A command: what it calls, what it is for, and the dataclasses that declare its options."""

    call: Callable[[argparse.Namespace], int | None]  # returns the exit status, None for 0
    help: str
    options: tuple[type, ...]
    skip: tuple[str, ...] = ()  # fields of these that are not options of this verb

    def groups(self) -> list[tuple[type, list[str]]]:
        """Return each dataclass with the fields to leave out; an option that two of them have is the first one's."""
        groups, seen = [], list(self.skip)
        for config in self.options:
            groups.append((config, list(seen)))
            seen += [declared.name for declared in list_options(config)]
        return groups


VERBS = {
    "inspect": Verb(
        _inspect,
        "report what is in a dataset, what is left out and why, and what training would do",
        (InspectConfig, DataConfig),
        skip=("sketches", "no_scan", "on_error", "window_rows"),
    ),
    "run": Verb(
        _run,
        "tune, train and evaluate",
        (OutputConfig, RemoteConfig, TransferConfig, DataConfig, TrainConfig, TuneConfig),
    ),
    "tune": Verb(
        _tune,
        "search hyperparameters with KerasTuner",
        (OutputConfig, DataConfig, TrainConfig, TuneConfig),
    ),
    "train": Verb(
        _train,
        "train with a preset, or with the best hyperparameters of a search",
        (OutputConfig, PresetConfig, TransferConfig, WorkersConfig, DataConfig, TrainConfig),
    ),
    "study": Verb(
        _study,
        "measure the choices of a network one at a time, each with several seeds",
        (OutputConfig, StudyConfig, DataConfig),
        skip=("track",),
    ),
    "trials": Verb(_trials, "show the trials of a search, best first", (TrialsConfig,)),
    "evaluate": Verb(
        _evaluate,
        "measure a model on a split",
        (EvaluateConfig, DataConfig),
        skip=("test_split", "validation_fraction", "image_size"),
    ),
    "predict": Verb(_predict, "write a model's answer for each image to a file", (PredictConfig,)),
    "publish": Verb(_publish, "upload a run to the Hub in one commit", (PublishConfig,)),
    "export": Verb(_export, "write the network for other runtimes, next to its weights", (ExportConfig,)),
    "cache": Verb(_cache, "list what is kept on disk, or remove it", (CacheConfig,)),
    "deploy": Verb(_deploy, "show a published model in a Space, or serve the same folder locally", (DeployConfig,)),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Without the usage, which fills a screen.
        self.exit(2, f"trazo: {message}; `{self.prog} --help` lists what is possible\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs, built from the dataclasses in `training.config`."""
    parser = _Parser(prog="python -m training", description="Hub dataset -> published model")
    parser.add_argument("--version", action="version", version=f"trazo {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in VERBS.items():
        command = verbs.add_parser(name, help=verb.help, description=verb.help)
        command.set_defaults(call=verb.call)
        for config, skip in verb.groups():
            add_options(command.add_argument_group(get_group_title(config)), config, skip)
    return parser


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


def _output(options: argparse.Namespace) -> OutputConfig:
    config = OutputConfig(**collect_given(OutputConfig, options))
    check_can_be_made(config.output, "--output")
    check_trackers(config.track)
    return config
