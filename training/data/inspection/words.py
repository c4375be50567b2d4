"""What data.json says, in words: for the terminal and for the page."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from model.io.reports.inspection import (
    ClassRows,
    Counted,
    Images,
    Overlap,
    Plan,
    Repeats,
    RowGroup,
    SplitContents,
)
from model.pixel_format import BACKGROUND_NAMES
from model.words import counted

MIN_IMBALANCE = 1.5  # that is worth a line
SHOWN = 12  # names in a line
Item = TypeVar("Item")


def describe_contents(split: SplitContents) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of what is known about a split."""
    if split.problem:
        yield "problem", split.problem
    for one in split.left_out:
        yield "not used", f"{one.reason}: {describe_counted(one)}"
    if split.classes:
        yield "classes", describe_classes(split.classes)
    if split.other_classes:
        yield "not trained on", f"classes that only this split has: {list_some(split.other_classes)}"
    if split.targets:
        targets = split.targets
        yield "labels", f"numbers from {targets.low:g} to {targets.high:g}, {targets.mean:g} on average (regression)"
    if split.images:
        yield from _describe_images(split.images)
    if split.near_constant and split.near_constant.count:
        yield "show nothing", f"{describe_counted(split.near_constant)}"
    if split.duplicates:
        yield "found twice", describe_repeats(split.duplicates) if split.duplicates.images else "no image"
    if split.conflicts and split.conflicts.images:
        yield "labels differ", describe_repeats(split.conflicts)


def _describe_images(images: Images) -> Iterator[tuple[str, str]]:
    count = images.count
    sizes = [f"{size.width}×{size.height} {share(size.images, count)}" for size in images.sizes[:4]]
    more = images.different_sizes - len(sizes)
    if more > 0:
        low, high = (f"{images.widths[end]}×{images.heights[end]}" for end in (0, 1))
        sizes.append(f"and {more:,} other sizes, from {low} to {high}")
    yield "sizes", ", ".join(sizes)
    kinds = [f"{name} {share(number, count)}" for name, number in images.colors.items()]
    kinds += [f"{images.transparent:,} with transparency"] if images.transparent else []
    kinds += [f"{bits} bits {share(number, count)}" for bits, number in images.bits.items() if bits != "8"]
    yield "color", ", ".join(kinds)
    if images.flat:
        yield "background", f"flat in {share(images.flat, count)}, as behind writing and drawings"
    yield "formats", ", ".join(f"{name} {share(number, count)}" for name, number in images.formats.items())


def describe_plan(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of what training does."""
    yield (
        "task",
        plan.task if plan.task == "regression" else f"{plan.task}, {counted(plan.classes, 'class', 'classes')}",
    )
    yield "input", describe_input(plan)
    for part in plan.parts:
        classes = f"; {list_some(part.classes, lambda one: f'{one.name} {one.rows:,}')}" if part.classes else ""
        yield part.name, f"{counted(part.rows, 'row')}, {part.source}{classes}"
    if plan.overlaps == []:
        yield "separate", "no image is in two of these parts"
    for overlap in plan.overlaps or []:
        yield "not separate", f"{overlap.first}, {overlap.second}: {describe_overlap(overlap)}"
    if plan.imbalance is not None and plan.imbalance >= MIN_IMBALANCE:
        yield "imbalance", f"the largest class has {describe_times(plan.imbalance)} the training rows of the smallest"
    yield "steps", f"{plan.batches:,} per epoch, of {counted(plan.batch_size, 'row')}"
    if plan.preset:
        yield "preset", describe_preset(plan)
    times = [f"{one.preset} {describe_minutes(one.minutes)} for {one.epochs} epochs" for one in plan.estimates]
    if times:
        yield "time", f"{', '.join(times)}; estimated, on 2 cores"


def describe_classes(classes: Sequence[ClassRows]) -> str:
    """Return how many classes have how many rows, and the first ones with their rows."""
    present = [one.rows for one in classes if one.rows]
    if not present:
        return f"none of {len(classes):,} classes has a usable row"
    low, high = min(present), max(present)
    sizes = f"{counted(low, 'row')} each" if low == high else f"{low:,} to {high:,} rows"
    named = list_some(classes, lambda one: one.name if low == high and one.rows else f"{one.name} {one.rows:,}")
    return f"{counted(len(present), 'class', 'classes')}, {sizes}: {named}"


def describe_input(plan: Plan) -> str:
    """Return what the network sees, what that follows from, and how many images differ."""
    found = plan.input
    notes = []
    if (found.common_width, found.common_height) != (found.width, found.height):
        notes.append(
            f"images of {found.common_width}×{found.common_height} pixels are resized to {found.width}×{found.height}"
        )
    if found.other_size:
        notes.append(f"{share(found.other_size, 1)} have another size")
    if found.other_color:
        notes.append(f"{share(found.other_color, 1)} are {'gray' if found.color else 'in color'}")
    details = f" ({', '.join(notes)}; overrule with --image-size, --color)" if notes else ""
    text = f"{found.width}×{found.height} pixels, {'in color' if found.color else 'gray'}{details}"
    if found.transparent:
        name = next(name for name, level in BACKGROUND_NAMES.items() if level == found.background)
        text += f"; {counted(found.transparent, 'image')} with transparency placed on {name} (--background)"
    if found.deep:
        text += f"; {counted(found.deep, 'image')} of 16 bits, where {found.white_level:,} is white (--bits)"
    return text


def describe_preset(plan: Plan) -> str:
    """Return the preset that suits the images, and what that follows from."""
    return f"{plan.preset}, because {plan.preset_reason} (overrule with --preset)"


def describe_repeats(repeats: Repeats) -> str:
    """Return how many images are found in how many rows, and an example."""
    text = f"{counted(repeats.images, 'image')}, in {repeats.rows:,} rows"
    if repeats.examples:
        first = repeats.examples[0]
        text += f"; {describe_equal_rows(first)}"
    return text


def describe_equal_rows(group: RowGroup, limit: int = 3) -> str:
    """Return the names of rows with equal images, and their labels."""
    rows = group.rows[:limit]
    if len(set(group.labels)) <= 1:
        return f"{' = '.join(rows)}, labeled {group.labels[0]}" if group.labels else " = ".join(rows)
    return ", ".join(f"{row} labeled {label}" for row, label in zip(rows, group.labels, strict=False))


def describe_overlap(overlap: Overlap) -> str:
    """Return how many images two splits or parts share, and an example."""
    rows = counted(overlap.rows, f"{overlap.second} row")
    text = f"{counted(overlap.images, 'image')}, in {rows} ({share(overlap.share, 1)})"
    if overlap.conflicts:
        text += f", {overlap.conflicts:,} of them with another label"
    if overlap.examples:
        first = overlap.examples[0]
        text += f"; {describe_equal_rows(first)}"
    return text


def describe_minutes(minutes: float) -> str:
    """Return a time in words: minutes or hours.

    Example:
        >>> describe_minutes(0.25), describe_minutes(150)
        ('less than a minute', 'about 2.5 hours')
    """
    if minutes < 1:
        return "less than a minute"
    return f"about {minutes:.2g} minutes" if minutes < 90 else f"about {minutes / 60:.2g} hours"


def describe_times(factor: float) -> str:
    """Return a factor in words.

    Example:
        >>> describe_times(1.653), describe_times(64.5), describe_times(1234.5)
        ('1.65 times', '64.5 times', '1,234 times')
    """
    return f"{factor:,.0f} times" if factor >= 100 else f"{factor:.3g} times"


def list_some(items: Sequence[Item], text: Callable[[Item], str] = str, limit: int = SHOWN) -> str:
    """Return texts joined by commas; of many, the first ones and how many more there are."""
    more = f" and {len(items) - limit:,} more" if len(items) > limit else ""
    return ", ".join(text(item) for item in items[:limit]) + more


def share(number: float, total: int) -> str:
    """Return a share in percent that is 100 % or 0 % only if it is exactly that.

    Example:
        >>> share(9_999, 10_000), share(2, 2)
        ('99.9 %', '100 %')
    """
    if number in (0, total):
        return "100 %" if number else "0 %"
    return f"{min(99.9, max(0.1, 100 * number / total)):.1f} %"


def describe_counted(one: Counted) -> str:
    """Return a number, and names of the first ones."""
    names = ", ".join(one.examples[:3])
    more = " …" if one.count > len(one.examples[:3]) else ""
    return f"{one.count:,}" + (f" ({names}{more})" if names else "")
