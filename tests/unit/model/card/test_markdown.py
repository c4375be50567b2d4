"""Other people's text in a model card: shown as it is, with all that it contains."""

import re

import pytest
import yaml

from model.card.card import render_card
from model.card.markdown import cell, code, plain
from model.config import CnnConfig
from model.io.reports.evaluation import EvaluationReport

HOSTILE = (
    "a|b", "a\\|b", "c`d", "``", "$", "$$", "$x^$", "_em_", "**b**", "<img src=x>", "![x](http://a/x.png)", "[a](b)",
    "&lt;", "\u202eevil", "line\nbreak", "\x1b[2J", "# heading", "---", "{{ 7 * 7 }}", "{% raw %}", "日本", "",
)  # fmt: skip


def shown_in_a_table(line: str) -> list[str]:
    """Return the cells of a table's row as cmark-gfm cuts them."""
    cells = re.findall(r"((?:\\[^\w\s]|[^|\\]|\\)+)(?:\||$)", line.strip().strip("|"))
    return [one.strip() for one in cells]


@pytest.mark.parametrize("name", HOSTILE)
def test_cell_of_any_name_stays_one_cell(name):
    for markdown in (plain(name), code(name)):
        assert "\n" not in markdown and "\u202e" not in markdown and "\x1b" not in markdown
        assert len(shown_in_a_table(f"| {cell(markdown) or '–'} | 1 |")) == 2


@pytest.mark.parametrize(
    ("name", "expected"), [("a", "`a`"), ("c`d", "``c`d``"), ("`", "`` ` ``"), ("", "` `"), (" a ", "`  a  `")]
)
def test_code_has_more_backticks_than_the_name(name, expected):
    assert code(name) == expected


def test_plain_leaves_words_readable():
    assert plain("batch_size 3-5 (x)") == "batch_size 3-5 (x)"
    assert plain("_a_ *b* <c> $d$ \\e") == r"\_a\_ \*b\* &lt;c> &#36;d&#36; \\e"


def test_card_with_hostile_names_keeps_its_tables_and_metadata():
    count = len(HOSTILE)
    evaluation = EvaluationReport.build(
        dataset="x|y`z",
        split="a|b",
        rows=count,
        accuracy=1.0,
        labels=list(HOSTILE),
        confusion_matrix=[[0] * count] * count,
        per_class=[{"label": name, "rows": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0} for name in HOSTILE],
    )
    card = render_card(CnnConfig(labels=HOSTILE, title="T |\n---\n# <b> $x$"), evaluation=evaluation)
    text = str(card)
    _, metadata, body = text.split("---\n", 2)
    assert yaml.safe_load(metadata)["library_name"] == "keras"
    assert "<img" not in body.replace("`<img src=x>`", "") and "\n# heading" not in body and "49" not in body
    rows = body.split("| class | rows | precision | recall | F1 |\n")[1].split("\n\n")[0].splitlines()[1:]
    assert len(rows) == count and all(row.endswith("| 1 | 1.0000 | 1.0000 | 1.0000 |") for row in rows)
