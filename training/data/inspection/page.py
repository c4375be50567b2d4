"""data.json as a page: one file without script or network, readable on a phone, light or dark as its reader prefers.

The page is built as a tree, so every text in it, such as a class or a file name, is escaped.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from model.console import escape_controls
from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.io.reports.inspection import ClassRows, Counted, DatasetContents, LeftOut, Plan, RowGroup, SplitContents
from model.words import counted
from training.data.inspection.report import DatasetSplits, Inspection
from training.data.inspection.scanned import ScannedSplit
from training.data.inspection.thumbnails import MAX_PNG_PIXELS, first_of_each_class, row_numbers, thumbnails
from training.data.inspection.words import describe_contents, describe_plan, list_some

CSS = Path(__file__).with_name("page.css")
MAX_CLASSES = 100  # with an image each
SHOWN_ELSEWHERE = ("classes", "show nothing", "found twice", "labels differ", "not used")
# What no file of another may do from here: load, run or send anything.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

Node = ET.Element


def write_page(path: Path, page: str) -> None:
    """Write a page, completely or not at all.

    Raises:
        TrazoError: if the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, page)
    except OSError as error:
        raise TrazoError(f"the page cannot be written to {path}: {error.strerror or error}") from None


def render_page(inspection: Inspection) -> str:
    """Return the page as HTML; the images that it shows are read.

    Raises:
        StreamError: if a file of the dataset cannot be read.
    """
    report = inspection.report
    title = ", ".join(one.dataset for one in report.datasets)
    body = [_node("h1", title)]
    if report.warnings:
        warnings = _node("ul", *(_node("li", one) for one in report.warnings))
        body.append(_node("section", _node("strong", "Look at this"), warnings, **{"class": "warnings"}))
    for dataset, splits in zip(report.datasets, inspection.datasets, strict=True):
        body += _dataset(dataset, splits, inspection)
    body += _plan(report.plan)
    body.append(
        _node("p", _node("small", "Made by ", _node("code", "python -m training inspect"), f" of Trazo {report.trazo}"))
    )
    head = _node(
        "head",
        _node("meta", charset="utf-8"),
        _node("meta", **{"http-equiv": "Content-Security-Policy", "content": POLICY}),
        _node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _node("title", f"{title}: what is in it"),
        _node("style", CSS.read_text(encoding="utf-8")),
    )
    html = _node("html", head, _node("body", _node("main", *body)), lang="en")
    return "<!DOCTYPE html>\n" + ET.tostring(html, "unicode", method="html") + "\n"


def _dataset(dataset: DatasetContents, splits: DatasetSplits, inspection: Inspection) -> list[Node]:
    rows = [("splits", ", ".join(dataset.all_splits)), ("images", f"column {dataset.image_column}")]
    rows.append(("labels", f"column {dataset.label_column}"))
    rows += [("commit", dataset.revision)] if dataset.revision else []
    nodes = [_pairs(rows), *(_node("p", note) for note in dataset.notes)]
    if dataset.files:
        nodes += [_node("h2", "Files"), _node("p", dataset.files.decision)]
        nodes += _left_out(dataset.files.left_out, "Files that are not used")
        nodes += [_node("p", note) for note in dataset.files.notes]
    if any(column.note for column in dataset.columns):
        noted = [(column.name, f"{column.type}: {column.note}") for column in dataset.columns if column.note]
        nodes += [_node("h2", "Columns"), _pairs(noted)]
    scanned = {split.name: split for split in splits.scanned}
    for contents in dataset.splits:
        nodes += _split(contents, scanned.get(contents.split), inspection)
    if dataset.overlaps:
        nodes.append(_node("h2", "Equal images in two splits"))
    for overlap in dataset.overlaps:
        text = f"{counted(overlap.images, 'image')}, in {counted(overlap.rows, 'row')} of {overlap.second}"
        nodes.append(_node("h3", f"{overlap.first} and {overlap.second}: {text}"))
        if overlap.conflicts:
            nodes.append(
                _node("p", f"Of these rows, {overlap.conflicts:,} with another label than in {overlap.first}.")
            )
        nodes.append(
            _node("ul", *(_pair(group, scanned, inspection) for group in overlap.examples), **{"class": "groups"})
        )
    return nodes


def _split(contents: SplitContents, split: ScannedSplit | None, inspection: Inspection) -> list[Node]:
    rows = "" if contents.rows is None else f": {counted(contents.rows, 'row')}"
    used = "" if contents.usable in (None, contents.rows) else f", {contents.usable:,} of them can be used"
    nodes = [_node("h2", f"Split {contents.split}{rows}{used}")]
    pairs = [row for row in describe_contents(contents) if row[0] not in SHOWN_ELSEWHERE or row[1] == "no image"]
    nodes.append(_pairs([*pairs, *([("fingerprint", contents.fingerprint)] if contents.fingerprint else [])]))
    if split is None or split.index is None:
        return nodes
    if contents.classes:
        nodes += _classes(contents.classes, split, inspection)
    nodes += _left_out(contents.left_out, "Rows that are not used")
    if contents.near_constant and contents.near_constant.count:
        nodes += _alike(contents.near_constant, split, inspection)
    for repeats, title in (
        (contents.conflicts, "Equal images with different labels"),
        (contents.duplicates, "Found more than once"),
    ):
        if repeats and repeats.images:
            nodes.append(_node("h3", f"{title}: {counted(repeats.images, 'image')}, in {repeats.rows:,} rows"))
            groups = [_group(group, split, inspection) for group in repeats.examples]
            nodes.append(_node("ul", *groups, **{"class": "groups"}))
    return nodes


def _classes(classes: Sequence[ClassRows], split: ScannedSplit, inspection: Inspection) -> list[Node]:
    assert split.index is not None
    rows = {int(split.index.labels[row]): row for row in first_of_each_class(split, MAX_CLASSES)}
    images = thumbnails(split, rows.values(), inspection.pixel_format)
    highest = max((one.rows for one in classes), default=0)
    items = []
    for number, one in enumerate(classes[:MAX_CLASSES]):
        share = 100 * one.rows / max(highest, 1)
        bar = _node("span", **{"class": "bar", "style": f"width: {share:.1f}%"})
        text = _node(
            "span",
            _node("span", one.name, title=one.name, **{"class": "name"}),
            _node("small", counted(one.rows, "row")),
            bar,
        )
        image = images.get(rows.get(number, -1))
        items.append(_node("li", *([_image(image, split, rows[number], one.name)] if image else []), text))
    nodes = [_node("h3", counted(len(classes), "class", "classes")), _node("ul", *items, **{"class": "classes"})]
    if len(classes) > MAX_CLASSES:
        others = list_some(classes[MAX_CLASSES:], lambda one: f"{one.name} {one.rows:,}", 200)
        nodes.append(_node("p", _node("small", f"Without an image here: {others}")))
    return nodes


def _left_out(found: Sequence[LeftOut], title: str) -> list[Node]:
    if not found:
        return []
    head = _node(
        "tr", _node("th", "number", **{"class": "number"}), _node("th", "reason"), _node("th", "the first ones")
    )
    lines = [
        _node(
            "tr",
            _node("td", f"{one.count:,}", **{"class": "number"}),
            _node("td", one.reason),
            _node("td", ", ".join(one.examples) + (" …" if one.count > len(one.examples) else "")),
        )
        for one in found
    ]
    total = sum(one.count for one in found)
    table = _node("table", _node("thead", head), _node("tbody", *lines))
    return [_node("h3", f"{title}: {total:,}"), table]


def _alike(found: Counted, split: ScannedSplit, inspection: Inspection) -> list[Node]:
    rows = row_numbers(found.examples)
    group = RowGroup(rows=found.examples, labels=[split.label_name(row) for row in rows])
    return [
        _node("h3", f"{counted(found.count, 'image')} with nothing to see: all pixels are alike"),
        _node("ul", _group(group, split, inspection), **{"class": "groups"}),
    ]


def _group(group: RowGroup, split: ScannedSplit, inspection: Inspection) -> Node:
    """Return rows with equal images, each with its image, name and label."""
    rows = row_numbers(group.rows)
    images = thumbnails(split, rows, inspection.pixel_format)
    return _node("li", *_figures(zip(group.rows, group.labels, rows, strict=True), split, images))


def _pair(group: RowGroup, scanned: dict[str, ScannedSplit], inspection: Inspection) -> Node:
    """Return two rows of two splits; their names start with the split's."""
    figures = []
    for name, label in zip(group.rows, group.labels, strict=True):
        split = next(one for key, one in scanned.items() if name.startswith(f"{key} row "))
        (row,) = row_numbers([name.removeprefix(f"{split.name} ")])
        figures += _figures([(name, label, row)], split, thumbnails(split, [row], inspection.pixel_format))
    return _node("li", *figures)


def _figures(rows: Iterable[tuple[str, str, int]], split: ScannedSplit, images: dict[int, str]) -> list[Node]:
    figures = []
    for name, label, row in rows:
        image = [_image(images[row], split, row, name)] if row in images else []
        figures.append(_node("figure", *image, _node("figcaption", label, _node("small", name))))
    return figures


def _plan(plan: Plan) -> list[Node]:
    return [_node("h2", "What training does"), _pairs(list(describe_plan(plan)))]


def _image(uri: str, split: ScannedSplit, row: int, text: str) -> Node:
    assert split.index is not None
    facts = split.index.kinds[split.index.kind[row]]
    kind = {"class": "small"} if int(facts["width"]) * int(facts["height"]) <= MAX_PNG_PIXELS else {}
    return _node("img", src=uri, alt=text, width="48", height="48", **kind)


def _pairs(rows: Sequence[tuple[str, str]]) -> Node:
    return _node("dl", *(node for name, text in rows for node in (_node("dt", name), _node("dd", text))))


def _node(tag: str, *children: "Node | str", **attributes: str) -> Node:
    """Return an element; texts among its children are escaped when the page is written."""
    node = ET.Element(tag, {name: escape_controls(value, kept="") for name, value in attributes.items()})
    last = None
    for child in children:
        if isinstance(child, ET.Element):
            node.append(child)
            last = child
        elif last is None:
            node.text = (node.text or "") + escape_controls(child)
        else:
            last.tail = (last.tail or "") + escape_controls(child)
    return node
