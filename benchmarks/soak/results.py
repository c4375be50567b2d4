"""What a run of the soak test showed: the minutes, the verdict, and what attackers were answered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.soak.honest import Answer
from benchmarks.soak.sampling import Sample, average

MINUTE_S = 60
MAX_SLOWDOWN = 3  # of the 95th percentile, compared with the quiet minute
# Of the mean of the last third of the attack, compared with the second third's.
MAX_GROWTH = {"memory_mb": 1.05, "descriptors": 1.1, "files": 1.1, "files_mb": 1.1, "processes": 1.05, "threads": 1.1}
TIMED = ("/classify", "/edges")
UNITS = {"memory_mb": "memory, MB", "files_mb": "files, MB"}


@dataclass(frozen=True)
class Rule:
    """A figure and the largest that is allowed."""

    name: str
    measured: float
    bound: float

    @property
    def holds(self) -> bool:
        """Whether the figure is allowed; one that could not be measured is not."""
        return self.measured <= self.bound


@dataclass
class Run:
    """What was seen of the demo."""

    started: float  # on `time.monotonic`
    answers: list[Answer]
    samples: list[tuple[float, Sample]]
    attackers: dict[str, Counter[str]]

    def between(self, first_s: float, last_s: float) -> "Run":
        """Return what was seen in a part of the time."""
        times = self.started + first_s, self.started + last_s
        answers = [answer for answer in self.answers if times[0] <= answer.ended < times[1]]
        samples = [(at, sample) for at, sample in self.samples if times[0] <= at < times[1]]
        return Run(self.started, answers, samples, self.attackers)

    def percentile_ms(self, visitor: str, percent: float) -> float:
        """Return a percentile of the milliseconds in which a visitor was answered; NaN without an answer."""
        times = [answer.seconds for answer in self.answers if answer.visitor == visitor and not answer.error]
        return 1000 * float(np.percentile(times, percent)) if times else float("nan")

    def average(self) -> Sample:
        """Return what the demo took on average."""
        return average([sample for _, sample in self.samples])

    def errors(self) -> list[Answer]:
        """Return the answers that were errors."""
        return [answer for answer in self.answers if answer.error]


def tabulate_minutes(run: Run, minutes: int) -> list[str]:
    """Return the lines of the table of minutes."""
    times = "".join(f" | {name} p50, ms | p95" for name in TIMED)
    lines = [
        f"| minute | answers | errors{times} | memory, MB | descriptors | files | MB | processes | threads |",
        "|---|" + "---:|" * (8 + 2 * len(TIMED)),
    ]
    for minute in range(minutes):
        seen = run.between(minute * MINUTE_S, (minute + 1) * MINUTE_S)
        delays = "".join(f" {seen.percentile_ms(name, percent):.0f} |" for name in TIMED for percent in (50, 95))
        taken = "".join(f" {figure:,.0f} |" for figure in vars(seen.average()).values())
        name = minute + 1 if minute else "1 (quiet)"
        lines.append(f"| {name} | {len(seen.answers)} | {len(seen.errors())} |{delays}{taken}")
    return lines


def judge(run: Run, minutes: int) -> list[Rule]:
    """Return what was measured for each rule."""
    quiet, attacked = run.between(0, MINUTE_S), run.between(MINUTE_S, minutes * MINUTE_S)
    rules = [Rule("errors of honest answers", len(run.errors()), 0)]
    for name in TIMED:
        slowdown = attacked.percentile_ms(name, 95) / quiet.percentile_ms(name, 95)
        rules.append(Rule(f"p95 of {name} / the quiet minute's", slowdown, MAX_SLOWDOWN))
    third_s = (minutes - 1) * MINUTE_S / 3
    second, last = (
        run.between(MINUTE_S + number * third_s, MINUTE_S + (number + 1) * third_s).average() for number in (1, 2)
    )
    for name, bound in MAX_GROWTH.items():
        growth = getattr(last, name) / max(1, getattr(second, name))
        rules.append(Rule(f"{UNITS.get(name, name)}, last third / second", growth, bound))
    return rules


def tabulate_verdict(rules: Sequence[Rule]) -> list[str]:
    """Return the lines of the table of rules, and whether all of them hold."""
    lines = ["| rule | measured | at most | holds |", "|---|---:|---:|---|"]
    for rule in rules:
        lines.append(f"| {rule.name} | {rule.measured:.2f} | {rule.bound:g} | {'yes' if rule.holds else '**no**'} |")
    broken = [rule.name for rule in rules if not rule.holds]
    return [*lines, "", f"Broken: {'; '.join(broken)}." if broken else "All rules hold."]


def tabulate_attackers(run: Run) -> list[str]:
    """Return the lines of the table of hostile visitors and what they were answered."""
    lines = ["| hostile visitor | answers: how many |", "|---|---|"]
    for name, answers in run.attackers.items():
        lines.append(f"| {name} | {', '.join(f'{answer}: {count}' for answer, count in sorted(answers.items()))} |")
    return lines


def list_errors(run: Run) -> list[str]:
    """Return the lines that name each kind of error of an honest visitor once."""
    kinds = {(answer.visitor, answer.error[:60]): answer for answer in run.errors()}
    return [
        f"- {answer.visitor}, after {answer.ended - run.started:.0f} s: {answer.error}" for answer in kinds.values()
    ]
