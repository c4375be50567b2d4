"""Command line: `python -m training VERB --help`. It parses and calls, nothing else."""

import argparse
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from model.errors import TrazoError
from model.heads import HEADS
from model.logs import log_to
from model.quiet import quiet
from training.config import (
    MAX_MISTAKES,
    OF_A_TRIAL,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    STRATEGIES,
    DataConfig,
    TrainConfig,
    TuneConfig,
)
from training.presets import PRESETS


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; return 0, or 2 for a person's mistake, told in one line; 130 is the shell's own for Ctrl-C."""
    options = _parser().parse_args(arguments)
    log_to("stdout")
    try:
        options.call(options)
        return 0
    except TrazoError as error:
        print(f"trazo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("trazo: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"trazo: {error}; the same command goes on once that is mended", file=sys.stderr)
        return 2


# --- Verbs; TensorFlow is imported only once the arguments are known to be good ---


def _import_commands() -> ModuleType:
    with quiet():
        from training import commands
        from training.data.parquet.hub_client import configure

    configure()
    return commands


def _run(options: argparse.Namespace) -> None:
    data, asked, tune = _data(options), _asked(options), _of(TuneConfig, options)
    commands = _import_commands()
    commands.run_all(data, asked, tune, options.output, options.tensorboard)


def _tune(options: argparse.Namespace) -> None:
    for of_training, of_trial in OF_A_TRIAL.items():  # a search has no other training than its trials
        if (value := getattr(options, of_training)) is not None:
            if getattr(options, of_trial) is not None:
                raise TrazoError(f"--{of_training} is another name of --{of_trial} here: give one".replace("_", "-"))
            setattr(options, of_trial, value)
            setattr(options, of_training, None)
    data, asked, tune = _data(options), _asked(options), _of(TuneConfig, options)
    commands = _import_commands()
    commands.tune(data, asked, tune, options.output, options.tensorboard)


def _trials(options: argparse.Namespace) -> None:
    with quiet():
        from training.tuning.trials_report import format_csv, format_leaderboard, read_trials

    report = read_trials(options.run)
    text = format_csv(report) if options.csv else format_leaderboard(report, options.best) + "\n"
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:  # `… | head` has read enough; of any other verb a pipe's end is a fault
        os._exit(128 + signal.SIGPIPE)  # at once: what is left in the buffer could not be written either


def _train(options: argparse.Namespace) -> None:
    data, asked = _data(options), _asked(options)
    commands = _import_commands()
    commands.train(data, asked, options.output, options.preset, tensorboard=options.tensorboard)
    print(f"done: {options.output}; measure it with `python -m training evaluate --model {options.output} --dataset …`")


def _evaluate(options: argparse.Namespace) -> None:
    data = _data(options)
    commands = _import_commands()
    folder = options.output or (Path(options.model) if Path(options.model).is_dir() else None)
    commands.evaluate(options.model, data, folder, options.mistakes)


def _publish(options: argparse.Namespace) -> None:
    with quiet():
        from training.release.publish import publish

    commit = publish(
        options.run,
        options.repo,
        private=options.private or None,
        revision=options.revision,
        create_pr=options.create_pr,
        license=options.license,
        seeds=options.seeds,
    )
    print(f"published: {commit.pr_url or commit.commit_url}")


def _export(options: argparse.Namespace) -> None:
    with quiet():
        from training.release.export import export

        report = export(options.run, list(dict.fromkeys(options.to)), options.dataset)
    for name in options.to:
        one = report["formats"][name]
        checked = one["checked_on"]
        print(
            f"{options.run / one['file']}: {one['bytes']:,} bytes; on {checked['rows']:,} rows of "
            f"{checked['dataset']}, {checked['split']}, the same answers, at most {one['largest_difference']:.1e} apart"
        )


def _deploy(options: argparse.Namespace) -> None:
    if not options.local and not options.repo:
        raise TrazoError("a Space needs a name: give --repo owner/name, or --local to serve it on this machine")
    from training.release.deploy import deploy, serve

    if options.local:
        serve(options.model, options.revision, options.output or Path("runs/space"))
    address = deploy(
        options.repo,
        options.model,
        revision=options.revision,
        private=options.private or None,
        output=options.output,
    )
    print(f"deployed: {address}")


# --- Arguments ---


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a number from 1 on, not {text!r}")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_MISTAKES):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {MAX_MISTAKES}, not {text!r}")
    return int(text)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Without the usage, which is a screen long.
        self.exit(2, f"trazo: {message}; `{self.prog} --help` lists what is possible\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m training", description="Hub dataset -> published model")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, call: Any, text: str) -> argparse.ArgumentParser:
        command = verbs.add_parser(name, help=text, description=text)
        command.set_defaults(call=call)
        return command

    run = verb("run", _run, "tune, train and evaluate: the whole way")
    tune = verb("tune", _tune, "search hyperparameters with KerasTuner")
    train = verb("train", _train, "train with a preset, or with the best hyperparameters of a search")
    trials = verb("trials", _trials, "show the trials of a search, best first")
    evaluate = verb("evaluate", _evaluate, "measure a model on a split")
    publish = verb("publish", _publish, "upload a run to the Hub in one commit")

    export = verb("export", _export, "write the network for other runtimes, beside its weights")
    deploy = verb("deploy", _deploy, "show a published model in a Space, or serve the same folder here")

    for command in (run, tune, train):
        command.add_argument("--split", help="split to learn from (default: train)")
        command.add_argument("--validation-fraction", type=float, help="share held out for validation (default: 0.1)")
        command.add_argument("--output", type=Path, required=True, help="folder of the run")
        command.add_argument("--image-size", type=int, help="longer side of the network's input, in pixels")
        command.add_argument("--tensorboard", action="store_true", help="leave TensorBoard's files in --output")
        _data_options(command)
        _train_options(command)
    for command in (run, tune):
        command.add_argument("--trials", type=int, help="trials at most (default: 5)")
        command.add_argument("--strategy", choices=STRATEGIES, help="how points are chosen (default: random)")
        command.add_argument(
            "--minutes", type=float, help="of this call, after which no trial begins (default: no end)"
        )
        command.add_argument(
            "--search",
            nargs="+",
            metavar="NAME",
            help="hyperparameters that are searched, the rest kept (default: all)",
        )
        command.add_argument("--max-params", type=int, help="parameters of a network at most (default: any)")
        command.add_argument("--trial-epochs", type=int, help="epochs of a trial (default: 3)")
        command.add_argument("--trial-steps", type=int, help="batches of a trial's epoch (default: all)")
        command.add_argument(
            "--trial-patience", type=int, help="epochs without a better validation loss before a trial stops"
        )
        command.add_argument(
            "--worker-timeout", type=float, help="seconds after which a silent worker counts as dead (default: 60)"
        )
    run.add_argument("--test-split", help="split that is evaluated, once (default: test)")
    train.add_argument("--preset", choices=PRESETS, help="default: the search in --output, else the preset `default`")
    trials.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    trials.add_argument("--best", type=_number, metavar="N", help="show the best N alone")
    trials.add_argument("--csv", action="store_true", help="print every trial as CSV, in the order tried")
    evaluate.add_argument("--model", required=True, help="folder or Hub id of a model")
    evaluate.add_argument("--output", type=Path, help="where evaluation.json goes (default: the model's folder)")
    _data_options(evaluate)
    evaluate.add_argument(
        "--mistakes",
        type=_count,
        default=0,
        metavar="N",
        help="keep the N most confident mistakes with their pictures, for the demo: they are published with the model",
    )
    evaluate.add_argument("--split", dest="test_split", help="split to measure on (default: test)")
    publish.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    publish.add_argument("--repo", required=True, help="owner/name on the Hub")
    publish.add_argument("--private", action="store_true", help="make the repo private if it is made now")
    publish.add_argument("--revision", metavar="BRANCH", help="made from the main one if it is new (default: main)")
    publish.add_argument("--create-pr", action="store_true", help="propose it as a pull request")
    publish.add_argument("--license", metavar="ID", help="for the card, as the Hub names it: apache-2.0, mit, …")
    publish.add_argument(
        "--seeds",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs of the same recipe with other seeds: the card lists their results too",
    )
    export.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    export.add_argument(
        "--to", nargs="+", choices=("onnx", "litert"), required=True, help="onnx: browsers, servers; litert: phones"
    )
    export.add_argument("--dataset", help="whose test split is answered to check it (default: the evaluation's)")
    deploy.add_argument("--repo", help="owner/name of the Space")
    deploy.add_argument("--model", required=True, help="owner/name of a published model; a folder too with --local")
    deploy.add_argument("--revision", help="branch, tag or commit of the model that the Space keeps to")
    deploy.add_argument("--private", action="store_true", help="make the Space private if it is made now")
    deploy.add_argument("--local", action="store_true", help="serve it here, in an environment of its own")
    deploy.add_argument(
        "--output", type=Path, help="folder to leave the Space's files in (default: none; with --local runs/space)"
    )
    return parser


def _data_options(command: argparse.ArgumentParser) -> None:
    again = "; may be given several times"
    command.add_argument(
        "--dataset", action="append", help=f"Hub id owner/name, or a folder in a Hub repo's layout{again}"
    )
    command.add_argument(
        "--sketches", action="append", metavar="DATASET", help=f"one of free drawings of any size and polarity{again}"
    )
    command.add_argument("--group-column", help="rows of an equal value there, as of one writer, are held out together")
    command.add_argument("--test-fraction", type=float, help="held out where no split is named test (default: 0.1)")
    command.add_argument("--config", help="config of a dataset with several")
    command.add_argument("--revision", help="branch, tag or commit on the Hub")
    command.add_argument("--image-column", help="needed only where the schema has several image columns")
    command.add_argument("--label-column", help="needed only where the schema leaves it open")
    command.add_argument("--task", choices=HEADS, help="default: as the label column's type says")
    command.add_argument("--on-error", choices=("skip", "raise"), help="unusable rows: skip and report, or stop")
    command.add_argument("--timeout", type=float, help="seconds of silence after which a request ends (default: 10)")
    command.add_argument("--retries", type=int, help="of a failed request, after growing pauses (default: 3)")
    command.add_argument("--cache-bytes", type=int, help="of rows kept on disk for the next epoch (default: none)")
    command.add_argument("--window-rows", type=int, help="rows in the shuffle window (default: 32768)")


def _train_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--epochs", type=int, help="epochs at most; early stopping may end before")
    command.add_argument("--steps-per-epoch", type=int, help="batches after which an epoch ends (default: all)")
    command.add_argument("--batch-size", type=int)
    command.add_argument("--optimizer", choices=OPTIMIZERS)
    command.add_argument("--learning-rate", type=float)
    command.add_argument("--weight-decay", type=float)
    command.add_argument("--schedule", choices=SCHEDULES)
    command.add_argument("--loss", help="one that suits the task; another is answered by the list of those")
    command.add_argument("--label-smoothing", type=float)
    command.add_argument("--augment", type=float, help="strength of rotation, slant, zoom, shift (default: 1; 0: none)")
    command.add_argument(
        "--elastic-transform", type=float, help="elastic distortion, as a share of the side (default: none)"
    )
    command.add_argument("--stroke-jitter", type=float, help="pixels that strokes may gain or lose (default: none)")
    command.add_argument("--random-erasing", type=float, help="share that a rectangle may cover (default: none)")
    command.add_argument(
        "--digit-variants", type=float, help="share of 1s, 7s, 9s redrawn as elsewhere in the world (default: none)"
    )
    command.add_argument(
        "--clean-fraction", type=float, help="share of pictures that none of these changes (default: none)"
    )
    command.add_argument("--ema-momentum", type=float, help="decay of a moving average of the weights (default: none)")
    command.add_argument("--patience", type=int, help="epochs without a better validation loss before it stops")
    command.add_argument("--precision", choices=PRECISIONS, help="of the arithmetic (default: float32)")
    command.add_argument("--seed", type=int)


def _data(options: argparse.Namespace) -> DataConfig:
    plain, sketches = options.dataset or [], options.sketches or []
    if not plain + sketches:
        raise TrazoError("a dataset is needed: give --dataset, or --sketches for one of free drawings")
    first = (plain + sketches)[0]
    given = _given(DataConfig, options) | {"dataset": first, "sketches": tuple(sketches)}
    return DataConfig(**given, extra_datasets=tuple(plain[1:]))


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    asked = _given(TrainConfig, options)
    TrainConfig(**asked)  # a value out of range is told before anything is imported or read
    return asked


def _given(kind: type, options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a config that were given on the command line."""
    values = {f.name: getattr(options, f.name, None) for f in fields(kind)}
    return {name: value for name, value in values.items() if value is not None}


def _of(kind: type, options: argparse.Namespace) -> Any:
    given = _given(kind, options)
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
