"""Other people's text in a model card: shown as it is, with all that it contains."""

import re

import pytest
import yaml

from model.card.card import render_card
from model.card.markdown import cell, code, plain
from model.config import CnnConfig
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.exports import ExportsReport
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport

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
    labels = tuple(name for name in HOSTILE if name.isprintable() and name)  # a config has no others
    card = render_card(CnnConfig(labels=labels, title="T | --- # <b> $x$"), evaluation=evaluation)
    text = str(card)
    _, metadata, body = text.split("---\n", 2)
    assert yaml.safe_load(metadata)["library_name"] == "keras"
    assert "<img" not in body.replace("`<img src=x>`", "") and "\n# heading" not in body and "49" not in body
    rows = body.split("| class | rows | precision | recall | F1 |\n")[1].split("\n\n")[0].splitlines()[1:]
    assert len(rows) == count and all(row.endswith("| 1 | 1.0000 | 1.0000 | 1.0000 |") for row in rows)


def test_card_with_hostile_texts_in_every_field_of_its_reports_is_the_same_document():
    """Not only names: everything in a report that is text may come from others."""
    hostile = (
        "x\n\n# Evil\n\n<script>alert(1)</script> [a](http://evil.example) `c` | ![i](http://evil.example/i) \x1b[2J"
    )
    data = {"dataset": hostile, "split": hostile, "rows": {"train": 1, "validation": 1}}
    about = dict.fromkeys(("config", "title", "license", "homepage", "fingerprint"), hostile[:60])
    entry = {"dataset": hostile, **about}
    training = TrainingReport.model_validate(
        {
            "data": data | {"datasets": [entry]},
            "hyperparameters": {hostile[:60]: [hostile], "b": hostile},
            "history": [{"epoch": 1}],
            "best_epoch": 1,
            "seed": 0,
            "seconds": 1.0,
            "parameters": 1,
            "environment": {hostile[:60]: hostile},
            "preset": hostile[:60],
            "options": {"data": {"group_column": hostile, hostile[:60]: hostile}, "training": {}},
        }
    )
    objective = {"name": hostile[:60], "direction": "max"}
    about = {"dataset": hostile, "strategy": hostile[:60]}
    trials = TrialsReport.model_validate({"trials": [], "objective": objective, **about})
    measures = {
        "dataset": hostile,
        "split": hostile,
        "rows": 1,
        "accuracy": 0.5,
        "labels": ["a", hostile],
        "confusion_matrix": [[1, 0], [0, 0]],
        "per_class": [{"label": hostile, "rows": 0, "recall": 0.5}],
        "comparison": {"compared": False, "reason": hostile},
        "baseline": {"answer": hostile, "taken_from": hostile, "is_beaten": False},
    }
    evaluation = EvaluationReport.model_validate(measures | {"extra_datasets": [measures]})
    checked = {"dataset": hostile, "split": hostile, "rows": 1}
    onnx = {"bytes": 1, "sha256": "0", "largest_difference": 0.0, "checked_on": checked, "runtime": hostile}
    exports = ExportsReport.model_validate({"formats": {"onnx": {"file": "onnx/model.onnx", **onnx}}})
    text = str(render_card(CnnConfig(), training, trials, evaluation, "owner/name", hostile, exports))
    assert "\x1b" not in text and "\n# Evil" not in text
    body = re.sub(r"^```.*?^```$", "", text.split("---\n", 2)[2], flags=re.MULTILINE | re.DOTALL)
    outside_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", body)
    for live in ("<script>", "](http://evil.example", "![i]"):
        assert live not in outside_code, [line for line in outside_code.splitlines() if live in line]
    fences = [line for line in text.splitlines() if line.startswith("```")]
    assert fences == ["```python", "```"] * 3 + ["```js", "```", "```sh", "```"]
