"""Command line: `python -m training VERB --help`. It parses and calls, nothing else. docs/cli.md lists every option."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from model import __version__
from model.console import set_up_console
from model.errors import TrazoError
from model.library_settings import set_up_libraries
from model.logs import log_to, show
from model.network_settings import set_up_network
from training import config, verbs
from training.loop.cluster import find_task
from training.options import add_options, get_group_title, list_options
from training.processes import exit_with


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
    except SystemExit as end:  # after --help, --version or a wrong argument
        return int(end.code or 0)
    log_to("stdout")
    try:
        if options.verb.once and (task := find_task(os.environ)) and task.rank:
            show(f"worker {task.rank} of {len(task.addresses)} leaves this to worker 0")
            return 0
        return options.verb.call(options) or 0
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
    """Run the command line and end the process."""
    set_up_console()
    log_to("stdout")
    set_up_libraries(os.environ)
    set_up_network(os.environ)
    exit_with(main)


@dataclass(frozen=True)
class Verb:
    """A command: what it calls, what it is for, and the dataclasses that declare its options."""

    call: Callable[[argparse.Namespace], int | None]  # returns the exit status, None for 0
    help: str
    options: tuple[type, ...]
    skip: tuple[str, ...] = ()  # fields of these that are not options of this verb
    once: bool = False  # of several workers that a launcher has started, the first one does it

    def groups(self) -> list[tuple[type, list[str]]]:
        """Return each dataclass with the fields to leave out; an option that two of them have is the first one's."""
        groups, seen = [], list(self.skip)
        for group in self.options:
            groups.append((group, list(seen)))
            seen += [declared.name for declared in list_options(group)]
        return groups


VERBS = {
    "inspect": Verb(
        verbs.inspect_verb,
        "report what is in a dataset, what is left out and why, and what training would do",
        (config.InspectConfig, config.DataConfig),
        skip=("sketches", "no_scan", "on_error", "window_rows"),
    ),
    "run": Verb(
        verbs.run_verb,
        "tune, train and evaluate",
        (
            config.OutputConfig,
            config.RemoteConfig,
            config.TransferConfig,
            config.DataConfig,
            config.TrainConfig,
            config.TuneConfig,
        ),
    ),
    "tune": Verb(
        verbs.tune_verb,
        "search hyperparameters with KerasTuner",
        (config.OutputConfig, config.DataConfig, config.TrainConfig, config.TuneConfig),
    ),
    "train": Verb(
        verbs.train_verb,
        "train with a preset, or with the best hyperparameters of a search",
        (
            config.OutputConfig,
            config.PresetConfig,
            config.TransferConfig,
            config.WorkersConfig,
            config.DataConfig,
            config.TrainConfig,
        ),
    ),
    "study": Verb(
        verbs.study_verb,
        "measure the choices of a network one at a time, each with several seeds",
        (config.OutputConfig, config.StudyConfig, config.DataConfig),
        skip=("track",),
    ),
    "trials": Verb(verbs.trials_verb, "show the trials of a search, best first", (config.TrialsConfig,)),
    "evaluate": Verb(
        verbs.evaluate_verb,
        "measure a model on a split",
        (config.EvaluateConfig, config.DataConfig),
        skip=("test_split", "validation_fraction", "image_size"),
        once=True,
    ),
    "predict": Verb(
        verbs.predict_verb, "write a model's answer for each image to a file", (config.PredictConfig,), once=True
    ),
    "publish": Verb(verbs.publish_verb, "upload a run to the Hub in one commit", (config.PublishConfig,), once=True),
    "export": Verb(
        verbs.export_verb,
        "write the network for other runtimes, next to its weights",
        (config.ExportConfig,),
        once=True,
    ),
    "cache": Verb(verbs.cache_verb, "list what is kept on disk, or remove it", (config.CacheConfig,)),
    "deploy": Verb(
        verbs.deploy_verb,
        "show a published model in a Space, or serve the same folder locally",
        (config.DeployConfig,),
        once=True,
    ),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Without the usage, which fills a screen.
        self.exit(2, f"trazo: {message}; `{self.prog} --help` lists what is possible\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs, built from the dataclasses in `training.config`."""
    parser = _Parser(prog="python -m training", description="Hub dataset -> published model")
    parser.add_argument("--version", action="version", version=f"trazo {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in VERBS.items():
        command = subparsers.add_parser(name, help=verb.help, description=verb.help)
        command.set_defaults(verb=verb)
        for group, skip in verb.groups():
            add_options(command.add_argument_group(get_group_title(group)), group, skip)
    return parser
