"""data.json as text: all of it for `inspect`, a few lines for the start of a run."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from model.console import escape_controls
from model.io.reports.inspection import DataReport, DatasetContents, SplitContents
from model.words import counted
from training.data.inspection.words import (
    describe_classes,
    describe_contents,
    describe_counted,
    describe_input,
    describe_overlap,
    describe_plan,
    describe_preset,
    list_some,
)

MAX_LINES = 60  # of the full form: as much as two screens
# (rows of a kind, lines of a row) at most; the first that gives few enough lines.
LIMITS = ((12, 3), (12, 2), (8, 2), (12, 1), (8, 1), (6, 1), (4, 1), (3, 1), (2, 1), (1, 1))
MAX_LINE_CHARS = 120
MAX_LOGGED_CHARS = 400
MAX_SHORT_WARNINGS = 3
NAME_CHARS = 17  # of the first column


def format_report(report: DataReport) -> str:
    """Return the full form: at most `MAX_LINES` lines, each with a name and what is known, aligned."""
    blocks = [block for dataset in report.datasets for block in _dataset_blocks(dataset)]
    blocks.append(("What training does", list(describe_plan(report.plan))))
    if report.warnings:
        blocks.append(("Look at this", [("", warning) for warning in report.warnings]))
    for rows_per_kind, lines_per_row in LIMITS:
        lines = [line for title, rows in blocks for line in _block(title, _cut(rows, rows_per_kind), lines_per_row)]
        if len(lines) <= MAX_LINES:
            break
    return "\n".join(lines[:MAX_LINES]).rstrip() + "\n"


def format_split(split: SplitContents) -> str:
    """Return what was found in one split, as the full form has it."""
    return "\n".join(_block(_split_title(split), _cut(list(describe_contents(split)), LIMITS[0][0]), LIMITS[0][1]))


def short_lines(report: DataReport) -> list[str]:
    """Return the few lines that a run starts with: rows, classes, what is left out, the input, the parts."""
    lines = [line for dataset in report.datasets for line in _short_dataset(dataset)]
    plan = report.plan
    suits = f"; preset that suits: {describe_preset(plan)}" if plan.preset else ""
    lines.append(f"input of the network: {describe_input(plan)}{suits}")
    parts = "; ".join(f"{part.rows:,} for {part.name} ({part.source})" for part in plan.parts)
    lines.append(f"rows: {parts}; {counted(plan.batches, 'batch', 'batches')} of {plan.batch_size:,}")
    warnings = report.warnings
    lines += [f"look at this: {warning}" for warning in warnings[:MAX_SHORT_WARNINGS]]
    if len(warnings) > MAX_SHORT_WARNINGS:
        lines.append(f"{len(warnings) - MAX_SHORT_WARNINGS} more of these: python -m training inspect lists them")
    return [_cut_line(line, MAX_LOGGED_CHARS) for line in lines]


# --- The parts of the full form ---


def _dataset_blocks(dataset: DatasetContents) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    rows = [
        ("splits", ", ".join(dataset.all_splits)),
        ("images", f"column {dataset.image_column} (overrule with --image-column)"),
        ("labels", f"column {dataset.label_column} (overrule with --label-column, --task)"),
    ]
    rows += [("", note) for note in dataset.notes]
    if dataset.revision:
        rows.append(("commit", dataset.revision))
    noted = [(column.name, f"{column.type}: {column.note}") for column in dataset.columns if column.note]
    others = [
        c.name for c in dataset.columns if not c.note and c.name not in (dataset.image_column, dataset.label_column)
    ]
    rows += [("other columns", list_some(others))] if others else []
    rows += [(f"column {name}", text) for name, text in noted]
    yield dataset.dataset, rows
    if dataset.files:
        files = dataset.files
        rows = [("understood as", files.decision)]
        rows += [("not used", f"{one.reason}: {describe_counted(one)}") for one in files.left_out]
        rows += [("note", note) for note in files.notes]
        yield "Files", rows
    for split in dataset.splits:
        yield _split_title(split), list(describe_contents(split))
    if dataset.overlaps:
        yield (
            "Equal images in two splits",
            [(f"{one.first}, {one.second}", describe_overlap(one)) for one in dataset.overlaps],
        )


def _split_title(split: SplitContents) -> str:
    if split.rows is None:
        return f"Split {split.split}"
    used = "" if split.usable in (None, split.rows) else f", {split.usable:,} of them can be used"
    fingerprint = f" (fingerprint {split.fingerprint})" if split.fingerprint else ""
    return f"Split {split.split}: {counted(split.rows, 'row')}{used}{fingerprint}"


def _short_dataset(dataset: DatasetContents) -> Iterator[str]:
    train = dataset.splits[0]
    assert train.rows is not None  # it was opened
    rows = counted(train.rows, "row")
    if train.usable is not None and train.usable != train.rows:
        rows = f"{train.usable:,} of {train.rows:,} rows are used"
    labels = ""
    if train.targets:
        labels = f": numbers from {train.targets.low:g} to {train.targets.high:g} (regression; overrule with --task)"
    elif train.classes:
        labels = f": {describe_classes(train.classes)}"
    yield (
        f"{dataset.dataset}, split {train.split}: {rows}; images in column {dataset.image_column}, labels in column "
        f"{dataset.label_column}{labels}"
    )
    lost = [f"{one.reason}: {describe_counted(one)}" for split in dataset.splits for one in split.left_out]
    if lost:
        yield f"not used: {list_some(lost, limit=3)}"


def _cut(rows: Sequence[tuple[str, str]], limit: int) -> list[tuple[str, str]]:
    """Return at most some rows of each name, and a row that says how many more there are."""
    totals: dict[str, int] = {}
    kept = []
    for name, text in rows:
        kind = name.split(" ")[0]  # "column writer" is one of the columns
        totals[kind] = totals.get(kind, 0) + 1
        if totals[kind] <= (limit if name else LIMITS[0][0]):  # of warnings as many as possible
            kept.append((name, text))
    hidden = len(rows) - len(kept)
    return [*kept, ("", f"… {counted(hidden, 'more line')}: --json or --html shows all")] if hidden else kept


def _block(title: str, rows: Iterable[tuple[str, str]], max_lines: int) -> Iterator[str]:
    """Yield a title and rows below it, each a name and a text of at most some lines; an equal name is shown once."""
    yield _cut_line(title, MAX_LINE_CHARS)
    previous = None
    for name, text in rows:
        first = f"  {'' if name == previous else name:<{NAME_CHARS}}" if name else "  "
        indent = " " * (len(first) if name else 2)
        yield from textwrap.wrap(
            escape_controls(text, kept=""),
            MAX_LINE_CHARS,
            initial_indent=escape_controls(first, kept=""),
            subsequent_indent=indent,
            max_lines=max_lines,
            placeholder=" …",
        )
        previous = name
    yield ""


def _cut_line(line: str, limit: int) -> str:
    line = escape_controls(line, kept="")
    return line if len(line) <= limit else f"{line[: limit - 2]} …"
