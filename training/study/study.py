"""`run_study`: every run of the design as a trial of KerasTuner, resumable, and study.json after each of them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from model import heads
from model.artifacts import STUDY_FILE
from model.io.reports import write_report
from model.io.reports.study import StudyReport
from model.io.reports.trials import TrialsReport
from model.words import counted
from training.config import StudyConfig, TrainConfig, TuneConfig
from training.data.splits import TrainingData
from training.environment import describe_environment
from training.study import design
from training.study.space import StudySpace
from training.study.summary import Measure, summarize
from training.tuning.search_job import SearchJob
from training.tuning.tuner import run_search

logger = logging.getLogger("trazo")


def run_study(
    space: StudySpace,
    levels: Sequence[design.Level],
    settings: TrainConfig,
    study: StudyConfig,
    opened: TrainingData,
    folder: Path,
) -> StudyReport:
    """Run what is left of a study, and write study.json.

    Args:
        space: the points.
        levels: the design, see `make_design`.
        settings: of every run; a level replaces some fields.
        study: seeds, epochs, minutes.
        opened: the rows to learn from, and those that measure.
        folder: of the study; KerasTuner's files go to `tuner/`, trials.json is written next to it.

    Returns:
        study.json.

    Raises:
        TrazoError: if no run completed, or the folder holds another study.
        StreamError: if the network or the disk failed; the next call continues.
    """  # fmt: skip
    name, direction = heads.choose_objective(opened.train.task)
    plan = space.plan()
    tune = TuneConfig(trials=len(plan), trial_epochs=study.epochs, minutes=study.minutes)
    job = SearchJob(space, settings, tune, opened.train, opened.validation, folder, plan=plan)
    outcome = run_search(job)
    assert outcome.report is not None  # a study has no workers
    if outcome.stop_reason:
        logger.info(outcome.stop_reason)
    report = build_report(outcome.report, levels, study, Measure(name, direction == "max"))
    write_report(folder / STUDY_FILE, report)
    return report


def build_report(
    trials: TrialsReport, levels: Sequence[design.Level], study: StudyConfig, measure: Measure
) -> StudyReport:
    """Return study.json for the runs that trials.json holds."""
    return StudyReport.build(
        measure={"name": measure.column, "direction": "max" if measure.higher_is_better else "min"},
        dataset=trials.dataset,
        revision=trials.revision,
        data=trials.data,
        subject=trials.subject,
        base=design.ARCHITECTURE | design.TRAINING,
        epochs=study.epochs,
        seeds=study.seeds,
        runs=sum(trial.status != "RUNNING" for trial in trials.trials),
        factors=summarize(levels, trials.trials, measure),
        environment=describe_environment(),
    )


def format_study(report: StudyReport) -> str:
    """Return the table that the terminal shows: one line per value, best first within its choice."""
    lines = [f"{counted(report.runs, 'run')} of {report.epochs} epochs; {report.measure.name}, mean of the seeds"]
    for factor in report.factors:
        lines.append(f"\n{factor.name.replace('_', ' ')}")
        sign = -1 if report.measure.direction == "max" else 1
        shown = [level for level in factor.levels if level.verdict != "not compared"]
        for level in sorted(shown, key=lambda one: (one.mean is None, sign * (one.mean or 0))):
            if level.mean is None:
                lines.append(f"  {level.value:<28} {level.reason or 'no run yet'}")
                continue
            interval = f"{level.low:.4f} to {level.high:.4f}" if level.low is not None else ""
            cost = f"{level.seconds or 0:7.1f} s  {level.parameters or 0:>9,} parameters"
            lines.append(f"  {level.value:<28} {level.mean:.4f}  {interval:<18} {cost}  {level.verdict}")
    return "\n".join(lines)
